"""A broker and a database of the engine's tests: made once, empty at the start of each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest_asyncio
from msgspec.structs import replace

from momo.broker.management import ask
from momo.broker.publisher import Publisher
from momo.broker.topology import declare, topology
from momo.local.servers import Servers
from momo.settings import Settings
from momo.store.connection import connected
from momo.store.migrate import folder, migrate
from tests.engine.counter import QUEUES, TABLES
from tests.engine.engine import Engine, end_spawned

TOPOLOGY = topology(QUEUES)
EMPTIED = ("counters", "counter_steps", "inbox", "attempts", "outbox", "scheduled", "held_actors", "held_messages")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine_settings(servers: Servers) -> Settings:
    """Settings for a vhost and a database of the engine's tests alone."""
    return await prepared(servers, "engine")


@pytest_asyncio.fixture(loop_scope="session")
async def engine(engine_settings: Settings) -> AsyncIterator[Engine]:
    """The engine's servers, with no message and no row on them."""
    async with emptied(engine_settings) as engine:
        yield engine


async def prepared(servers: Servers, name: str) -> Settings:
    """Settings for a vhost and a database called `name`, with counters."""
    given = servers.settings()
    await ask(given.amqp_management_url, "PUT", "vhosts", name)
    database = f"{given.meeting_db_url.rpartition('/')[0]}/{name}"
    await migrate(database, folder() / "meeting")
    async with connected(database) as connection:
        for table in TABLES:
            await connection.change(table)
    return replace(
        given,
        amqp_url=f"{given.amqp_url.rstrip('/')}/{name}",
        meeting_db_url=database,
        notification_db_url=database,
    )


@asynccontextmanager
async def emptied(settings: Settings) -> AsyncIterator[Engine]:
    """What was prepared, with no message and no row on it."""
    await declare(settings.amqp_url, TOPOLOGY)
    publisher = Publisher(settings.amqp_url, name="momo-tests")
    connection = await aio_pika.connect(settings.amqp_url)
    async with connection, connected(settings.meeting_db_url) as database:
        channel = await connection.channel()
        for queue in TOPOLOGY.queues:
            await (await channel.get_queue(queue.name, ensure=False)).purge()
        for table in EMPTIED:
            await database.change(f"DELETE FROM {table}")
        yield Engine(settings, database, publisher, channel)
        await end_spawned()
        await publisher.stop()
