"""A pool of connections for queries: bounded, first come first served, a broken one is replaced."""

from __future__ import annotations

import asyncio
from typing import Any

from momo.store.connection import Connection
from momo.store.errors import StoreUnavailable


class Pool:
    """Up to `size` autocommit connections to `url`, opened when first needed.

    aiomysql's own pool never wakes its waiters when a connection is given back broken; here a place in the pool is a
    semaphore's, and no state of a connection can keep it.
    """

    def __init__(self, url: str, *, size: int = 8) -> None:
        self._url = url
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    async def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement. Raises StoreUnavailable, StoreContention or StoreError."""
        async with self._places:
            reused = bool(self._idle)
            connection = self._idle.pop() if reused else await Connection.open(self._url, autocommit=True)
            try:
                return await connection.rows(sql, *args)
            except StoreUnavailable:
                if not reused:
                    raise
                # an idle session may have died long ago; a new one tells whether the server is really away
                connection = await Connection.open(self._url, autocommit=True)
                return await connection.rows(sql, *args)
            finally:
                if not connection.closed:
                    self._idle.append(connection)

    async def stop(self) -> None:
        """Closes what is idle. Statements under way finish on their own connections."""
        while self._idle:
            self._idle.pop().close()
