"""What the desk raises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiormq.exceptions import AMQPError
from redis.exceptions import RedisError

from momo.broker.publisher import PublishError
from momo.store.errors import StoreError


class DeskError(Exception):
    """The desk can't do what it is asked; the text is one line that says why and what to do."""


class Busy(DeskError):
    """Another desk holds the queue, and with it its letters."""


class MissingLetter(DeskError):
    """No letter is called so: it was replayed or dropped meanwhile, or never was."""


class Unfit(DeskError):
    """What is asked for can't be done with any letter, or not with this one: a body that its contract does not take."""


@asynccontextmanager
async def told() -> AsyncIterator[None]:
    """Raises what servers do to the block as DeskError."""
    try:
        yield
    except StoreError as error:
        raise DeskError(f"the audit can't be read or written: {error}") from error
    except RedisError as error:
        raise DeskError(f"Redis does not answer: {error}") from error
    except (AMQPError, PublishError, OSError, RuntimeError, TimeoutError) as error:
        raise DeskError(f"the broker does not do its part: {type(error).__name__}: {error}") from error
