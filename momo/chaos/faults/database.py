"""Faults of MariaDB: killed, read-only, full, locked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from momo.chaos.faults.locks import rows_locked, tables_locked
from momo.chaos.site import DATABASE_USER, Site
from momo.settings import DATABASES
from momo.store.connection import Connection, connected
from momo.store.errors import StoreUnavailable

AWAY_SECONDS = 1.5
READ_ONLY_SECONDS = 3.0
FULL_SECONDS = 3.0
LOCKED_SECONDS = 3.0
FEWEST_CONNECTIONS = 10
"""MariaDB does not let it be set lower."""


async def kill_mariadb(site: Site, _: random.Random) -> None:
    """SIGKILL of MariaDB, and its restart, with recovery, on the same port."""
    try:
        await site.servers.mariadb.kill()
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        await site.servers.mariadb.start()


async def read_only(site: Site, _: random.Random) -> None:
    """MariaDB refuses whatever would write, as a demoted primary does."""
    async with _global(site, "read_only", 1, 0):
        await asyncio.sleep(READ_ONLY_SECONDS)


async def fill_connections(site: Site, _: random.Random) -> None:
    """MOMO's connections are killed, and every place that a connection could have is taken by somebody else."""
    async with _global(site, "max_connections", FEWEST_CONNECTIONS, 500) as database, AsyncExitStack() as taken:
        until = asyncio.get_running_loop().time() + FULL_SECONDS
        while asyncio.get_running_loop().time() < until:
            await _kill_connections(database)
            await _take_places(site, taken)
            await asyncio.sleep(0.05)


async def lock_rows(site: Site, _: random.Random) -> None:
    """Somebody holds the row of every meeting for some seconds, longer than a statement waits for it."""
    async with rows_locked(site):
        await asyncio.sleep(LOCKED_SECONDS)


async def lock_tables(site: Site, rng: random.Random) -> None:
    """Somebody holds every table of one service for some seconds, so that its statements hang."""
    async with tables_locked(site, rng.choice(DATABASES)):
        await asyncio.sleep(LOCKED_SECONDS)


@asynccontextmanager
async def _global(site: Site, variable: str, value: int, usual: int) -> AsyncIterator[Connection]:
    """The server's variable is `value` for as long as the block runs, then `usual`; an administrator's connection."""
    async with connected(site.settings.db_url("user")) as database:
        await database.change(f"SET GLOBAL {variable} = {value}")
        try:
            yield database
        finally:
            await database.change(f"SET GLOBAL {variable} = {usual}")


async def _kill_connections(database: Connection) -> None:
    await database.change(f"KILL CONNECTION USER {DATABASE_USER}@127.0.0.1")


async def _take_places(site: Site, taken: AsyncExitStack) -> None:
    while True:
        try:
            await taken.enter_async_context(connected(site.settings.db_url("user")))
        except StoreUnavailable:
            return


FAULTS = {
    "kill-mariadb": kill_mariadb,
    "read-only": read_only,
    "fill-connections": fill_connections,
    "lock-rows": lock_rows,
    "lock-tables": lock_tables,
}
