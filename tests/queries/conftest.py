"""Migrated databases that hold what a test puts in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from momo.actors import Record
from momo.local.servers import Servers
from momo.settings import DATABASES
from momo.store.connection import Connection
from momo.store.migrate import folder, migrate
from momo.store.rows import table_of

Put = Callable[..., Awaitable[Connection]]


@pytest_asyncio.fixture(loop_scope="session")
async def put(servers: Servers) -> AsyncIterator[Put]:
    """`put("user", *records)` empties the service's tables, stores the records and gives a connection to query."""
    url = servers.settings().user_db_url.rpartition("/")[0]
    for service in DATABASES:
        await migrate(f"{url}/queries_{service}", folder() / service)
    opened: list[Connection] = []

    async def store(service: str, *records: Record) -> Connection:
        connection = await Connection.open(f"{url}/queries_{service}", autocommit=True)
        opened.append(connection)
        for kind in {type(record) for record in records}:
            await connection.change(f"DELETE FROM {kind.table}")
            await connection.change(table_of(kind).insert([record for record in records if type(record) is kind]))
        return connection

    yield store
    for connection in opened:
        connection.close()
