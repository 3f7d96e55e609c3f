"""Locks of somebody who does not let go: what keeps MOMO's transactions waiting with their messages in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from momo.chaos.site import Site
from momo.store.connection import Connection, connected
from momo.store.errors import StoreContention


@asynccontextmanager
async def rows_locked(site: Site) -> AsyncIterator[Connection]:
    """Every meeting's row, FOR UPDATE, in one transaction; the connection that holds them."""
    async with connected(site.settings.db_url("meeting"), autocommit=False) as holder:
        while True:
            try:
                await holder.rows("SELECT meeting_id FROM meetings ORDER BY meeting_id FOR UPDATE")
            except StoreContention:  # MOMO was quicker with one of them
                await holder.rollback()
            else:
                break
        try:
            yield holder
        finally:
            holder.close()


@asynccontextmanager
async def tables_locked(site: Site, service: str) -> AsyncIterator[Connection]:
    """Every table of a service, for writing; the connection that holds them."""
    async with connected(site.settings.db_url(service)) as holder:
        tables = [name for (name,) in await holder.rows("SHOW TABLES")]
        await holder.change("LOCK TABLES " + ", ".join(f"{name} WRITE" for name in tables))
        try:
            yield holder
        finally:
            holder.close()


async def waiting(site: Site) -> int:
    """How many transactions wait for another's row lock now."""
    async with connected(site.settings.db_url("meeting")) as database:
        # information_schema.innodb_trx answers from a cache that stays as it is while it is asked often
        [(_, count)] = await database.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    return int(count)
