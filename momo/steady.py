"""Connections to Redis that break in one way only: with the errors of the Redis client."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Connection
from redis.exceptions import ConnectionError as RedisConnectionError


class SteadyConnection(Connection):
    """Where uvloop says by a RuntimeError that the connection is closed already, this says it as the client does."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Raises redis.RedisError, and nothing else, where the command can't be sent."""
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            raise RedisConnectionError(f"the connection is closed: {error}") from error
