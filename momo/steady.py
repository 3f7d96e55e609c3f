"""Connections to Redis that break in one way only: with the errors of the Redis client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from redis.asyncio import Connection
from redis.exceptions import ConnectionError as RedisConnectionError


class SteadyConnection(Connection):
    """Where uvloop says by a RuntimeError that the connection is closed already, this says it as the client does.

    A cancellation that comes just as something was sent is not lost, as it is by `asyncio.wait_for` before Python 3.12:
    who waited for the end of the cancelled task would wait for ever.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Raises redis.RedisError, and nothing else, where the command can't be sent."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            raise RedisConnectionError(f"the connection is closed: {error}") from error
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)  # nobody will read the answer
            raise asyncio.CancelledError
