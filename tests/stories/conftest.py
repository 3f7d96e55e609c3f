"""A whole MOMO as processes for the stories of real requests, and counters in this process for what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import aiohttp
import pytest_asyncio

from momo.broker.publisher import Publisher
from momo.broker.topology import topology
from momo.local.servers import Servers
from momo.local.stage import prepare, whole
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from tests.engine.counter import QUEUES, TABLES
from tests.engine.engine import Engine
from tests.flows.members import Stage

EMPTIED = ("inbox", "attempts", "outbox", "scheduled", "operator_acts")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    settings = await prepare(servers, "stories")
    async with whole(settings) as address, aiohttp.ClientSession(address) as client:
        yield Stage(settings, client)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def engine_settings(servers: Servers) -> Settings:
    """Settings with a database for each service; that of meetings has counters."""
    settings = await prepare(servers, "story_engine")
    async with connected(settings.meeting_db_url) as database:
        for table in TABLES:
            await database.change(table)
    return settings


@pytest_asyncio.fixture(loop_scope="session")
async def engine(engine_settings: Settings) -> AsyncIterator[Engine]:
    """The servers, with no message and no row on them; its database is the meeting service's."""
    publisher = Publisher(engine_settings.amqp_url, name="momo-tests")
    for service in DATABASES:
        async with connected(engine_settings.db_url(service)) as database:
            for table in EMPTIED:
                await database.change(f"DELETE FROM {table}")
    connection = await aio_pika.connect(engine_settings.amqp_url)
    async with connection, connected(engine_settings.meeting_db_url) as database:
        channel = await connection.channel()
        for queue in topology(QUEUES).queues:
            await (await channel.get_queue(queue.name, ensure=False)).purge()
        yield Engine(engine_settings, database, publisher, channel)
        await publisher.stop()
