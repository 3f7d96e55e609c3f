"""What a query needs of a database, so that it can be run on a pool, a replica, or a test's connection."""

from __future__ import annotations

from typing import Any, Protocol


class Database(Protocol):
    """Runs one statement; `%s` stands for the next of `args`. Datetimes come back without a zone and are UTC."""

    async def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]: ...
