"""The dead letters over HTTP: groups, one letter, and the acts that mend them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from momo.console.access import ADMIN
from momo.console.letters import Groups, Row
from momo.dlq.choice import Choice, span
from momo.dlq.course import Result
from momo.dlq.errors import Busy, DeskError, MissingLetter, Unfit
from momo.dlq.views import Shown
from momo.gateway.bodies import Body
from momo.gateway.problems import problem
from momo.gateway.routes.given import Using, Who

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Asked = Annotated[str, QueryParameter(max_length=255)]
AskedId = Annotated[str, QueryParameter(name="id", max_length=255)]


class Rows(msgspec.Struct, frozen=True):
    items: list[Row]


class Filter(Body, frozen=True, kw_only=True):
    """Letters for which all that is given holds; spans read `90s`, `15m`, `2h`, `7d`."""

    id: Text | None = None
    queue: Text | None = None
    fingerprint: Text | None = None
    type: Text | None = None
    older_than: Text | None = None
    newer_than: Text | None = None

    def choice(self) -> Choice:
        """Raises DeskError where nothing is given, or a span is none."""
        chosen = Choice(
            id=self.id,
            queue=self.queue,
            fingerprint=self.fingerprint,
            type=self.type,
            older_than=_span(self.older_than),
            newer_than=_span(self.newer_than),
        )
        if chosen.empty:
            raise Unfit("say which letters: an id, a queue, a fingerprint, a type or an age")
        return chosen


class Replay(Filter, frozen=True, kw_only=True):
    """With `dry_run` it is only counted; `rate` is the most a second."""

    dry_run: bool = False
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Drop(Filter, frozen=True, kw_only=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Edit(Body, frozen=True, kw_only=True):
    """`body` is the letter's new body as text, for its queue's contract."""

    queue: Text
    id: Text
    body: Annotated[str, msgspec.Meta(max_length=60_000)]


class Done(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an act has done, or would do: to how many letters of which queues; `held` stay, held back by others."""

    act: str
    dry_run: bool
    letters: int
    queues: dict[str, int]
    held: int


@get("/dead", **ADMIN)
async def groups(resources: Using) -> Groups:
    """All dead letters by queue and by what they died of. While a queue is read, what is known of it so far."""
    return await resources.console.letters.groups()


@get("/dead/letters", **ADMIN)
async def rows(queue: Asked, fingerprint: Asked, resources: Using) -> Rows:
    """The oldest letters of one group, at most a hundred; `queue` is the dead-letter queue."""
    await resources.console.letters.groups()
    return Rows(resources.console.letters.rows(queue, fingerprint))


@get("/dead/letter", **ADMIN)
async def letter(queue: Asked, letter_id: AskedId, member: Who, resources: Using) -> Shown:
    """One letter with body and headers, its secrets blanked."""
    known = resources.console.letters.letter(queue, letter_id)
    if known is not None:
        return known
    async with mending():
        found, *_ = await resources.console.desk(member).show(Choice(id=letter_id, queue=queue))
    return found


@post("/dead/edit", status_code=200, **ADMIN)
async def edit(data: JSONBody[Edit], member: Who, resources: Using) -> Done:
    """Gives a letter another body, if its queue's contract takes it; it stays dead until it is replayed."""
    async with acting(resources, data.queue):
        choice = Choice(id=data.id, queue=data.queue)
        return _done(await resources.console.desk(member).edit(choice, data.body.encode()))


@post("/dead/replay", status_code=200, **ADMIN)
async def replay(data: JSONBody[Replay], member: Who, resources: Using) -> Done:
    """Sends letters back to the queue that each died in, as if for the first time."""
    async with acting(resources, data.queue):
        desk = resources.console.desk(member)
        return _done(await desk.replay(data.choice(), rate=data.rate, dry_run=data.dry_run))


@post("/dead/drop", status_code=200, **ADMIN)
async def drop(data: JSONBody[Drop], member: Who, resources: Using) -> Done:
    """Takes letters away for good."""
    async with acting(resources, data.queue):
        return _done(await resources.console.desk(member).drop(data.choice(), data.reason))


@asynccontextmanager
async def acting(resources: Any, queue: str | None) -> AsyncIterator[None]:
    """An act on `queue`, or on all: what was read of it is read again."""
    try:
        async with mending():
            yield
    finally:
        resources.console.letters.forget(queue)


@asynccontextmanager
async def mending() -> AsyncIterator[None]:
    """What the desk can't do, as a problem that says why."""
    try:
        yield
    except MissingLetter as error:
        raise problem(
            "letter-gone", "The letter is not there", 404, "It was replayed or dropped meanwhile, or never was."
        ) from error
    except Unfit as error:
        raise problem("edit-refused", "That can't be done", 422, str(error)) from error
    except Busy as error:
        raise problem("desk-busy", "Another desk is at work", 409, str(error), headers={"Retry-After": "5"}) from error
    except DeskError as error:
        raise problem("desk-unavailable", "The desk can't do it now", 503, str(error)) from error


def _span(text: str | None) -> timedelta | None:
    try:
        return span(text) if text is not None else None
    except ValueError as error:
        raise Unfit(str(error)) from error


def _done(result: Result) -> Done:
    return Done(act=result.act, dry_run=result.dry_run, letters=result.letters, queues=result.queues, held=result.held)


HANDLERS = [groups, rows, letter, edit, replay, drop]
