"""A whole broker and a database with counters for the desk's tests: empty at the start of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import pytest_asyncio
from msgspec.structs import replace
from redis.asyncio import Redis

from momo.broker.management import add_vhost
from momo.broker.publisher import Publisher
from momo.broker.topology import declare, topology
from momo.dlq.desk import Desk
from momo.local.servers import Servers
from momo.settings import Settings
from momo.store.connection import connected
from momo.store.migrate import folder, migrate
from tests.engine.counter import QUEUES, TABLES
from tests.engine.engine import Engine, end_spawned

VHOST = "dlq"
EMPTIED = (
    "counters",
    "counter_steps",
    "inbox",
    "attempts",
    "outbox",
    "scheduled",
    "held_actors",
    "held_messages",
    "operator_acts",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk_settings(servers: Servers) -> Settings:
    """Settings for a vhost with the whole topology, and for one database that all services share."""
    given = servers.settings()
    await add_vhost(given.amqp_management_url, VHOST)
    database = given.meeting_db_url.rpartition("/")[0] + "/dlq"
    await migrate(database, folder() / "meeting")
    async with connected(database) as connection:
        for table in TABLES:
            await connection.change(table)
    settings = replace(
        given,
        amqp_url=f"{given.amqp_url.rstrip('/')}/{VHOST}",
        user_db_url=database,
        meeting_db_url=database,
        payment_db_url=database,
        notification_db_url=database,
    )
    await declare(settings.amqp_url, topology())
    return settings


@pytest_asyncio.fixture(loop_scope="session")
async def engine(desk_settings: Settings) -> AsyncIterator[Engine]:
    """The servers, with no message and no row on them."""
    publisher = Publisher(desk_settings.amqp_url, name="momo-tests")
    connection = await aio_pika.connect(desk_settings.amqp_url)
    redis = Redis.from_url(desk_settings.redis_url)
    async with connection, redis, connected(desk_settings.meeting_db_url) as database:
        channel = await connection.channel()
        for queue in topology(QUEUES).queues:
            await (await channel.get_queue(queue.name, ensure=False)).purge()
        for table in EMPTIED:
            await database.change(f"DELETE FROM {table}")
        for name in await redis.keys("momo.pauses.*"):
            await redis.delete(name)
        yield Engine(desk_settings, database, publisher, channel)
        await end_spawned()
        await publisher.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(engine: Engine) -> Desk:
    return Desk(engine.settings, by="kim")
