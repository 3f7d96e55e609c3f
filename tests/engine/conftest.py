"""A broker and a database of the engine's tests: made once, empty at the start of each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

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

VHOST = "engine"
TOPOLOGY = topology(QUEUES)
EMPTIED = ("counters", "counter_steps", "inbox", "outbox", "scheduled")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine_settings(servers: Servers) -> Settings:
    """Settings for a vhost and a database of the engine's tests alone."""
    given = servers.settings()
    await ask(given.amqp_management_url, "PUT", "vhosts", VHOST)
    database = given.meeting_db_url.rpartition("/")[0] + "/engine"
    await migrate(database, folder() / "meeting")
    async with connected(database) as connection:
        for table in TABLES:
            await connection.change(table)
    return replace(
        given,
        amqp_url=f"{given.amqp_url.rstrip('/')}/{VHOST}",
        meeting_db_url=database,
        notification_db_url=database,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def engine(engine_settings: Settings) -> AsyncIterator[Engine]:
    """The engine's servers, with no message and no row on them."""
    await declare(engine_settings.amqp_url, TOPOLOGY)
    publisher = Publisher(engine_settings.amqp_url, name="momo-tests")
    connection = await aio_pika.connect(engine_settings.amqp_url)
    async with connection, connected(engine_settings.meeting_db_url) as database:
        channel = await connection.channel()
        for queue in TOPOLOGY.queues:
            await (await channel.get_queue(queue.name, ensure=False)).purge()
        for table in EMPTIED:
            await database.change(f"DELETE FROM {table}")
        yield Engine(engine_settings, database, publisher, channel)
        await end_spawned()
        await publisher.stop()
