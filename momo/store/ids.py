"""Ids for new records: blocks handed out by the database (hi/lo), below 2^53."""

from __future__ import annotations

from momo.store.connection import Connection

BLOCK = 1_000


class IdsExhausted(Exception):
    """A flush took more ids than were fetched for it; fetch more and run it again."""


class Ids:
    """Ids of one lane. Those that a crash or a rolled-back flush leaves unused are never given again."""

    def __init__(self) -> None:
        self._ranges: list[range] = []
        self._next = 0

    @property
    def left(self) -> int:
        return sum(len(block) for block in self._ranges) - self._next

    async def ensure(self, count: int, connection: Connection) -> None:
        """Fetches blocks until `count` ids are left, in transactions of their own on an idle `connection`."""
        missing = count - self.left
        if missing <= 0:
            return
        blocks = -(-missing // BLOCK)
        await connection.change(
            "UPDATE id_blocks SET next_block = LAST_INSERT_ID(next_block) + %s WHERE name = 'records'", blocks
        )
        [(first,)] = await connection.rows("SELECT LAST_INSERT_ID()")
        await connection.commit()
        self._ranges.append(range(int(first) * BLOCK, (int(first) + blocks) * BLOCK))

    def take(self) -> int:
        """The next id. Raises IdsExhausted."""
        while self._ranges and self._next >= len(self._ranges[0]):
            self._ranges.pop(0)
            self._next = 0
        if not self._ranges:
            raise IdsExhausted
        value = self._ranges[0][self._next]
        self._next += 1
        return value
