"""A whole broker and databases for lag's tests alone: nothing waits, and nothing is known, at the start of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiormq
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.topology import queue_named
from momo.broker.envelope import Envelope
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.broker.topology import topology
from momo.lag.observer import Observer
from momo.lag.snapshot import QueueLag, Snapshot
from momo.lag.tally import counted
from momo.lag.told import Told
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import DATABASES, Settings
from momo.store.connection import connected

JOIN = "meeting.join.queue"
EMPTIED = ("outbox", "scheduled")
Publish = Callable[..., Awaitable[None]]


def message(queue: str) -> Envelope:
    """A message that gets into the queue, and into those of its key's other subscribers."""
    found = queue_named(queue)
    return to(found.exchange, found.key)


def to(exchange: str, routing_key: str, **more: Any) -> Envelope:
    """A message that nobody is to read."""
    return Envelope(
        exchange=exchange,
        routing_key=routing_key,
        body=b"{}",
        type=routing_key,
        message_id=fresh_id(),
        correlation_id=fresh_id(),
        first_published_ms=0,
        **more,
    )


async def now(settings: Settings, queue: str) -> QueueLag:
    """What somebody sees of `queue` who has not looked before."""
    async with Observer(settings) as observer:
        return of(await observer.look(), queue)


def about(seconds: float, within: float = 1.5) -> Any:
    return pytest.approx(seconds, abs=within)


def of(snapshot: Snapshot, name: str) -> QueueLag:
    return next(queue for queue in snapshot.queues if queue.name == name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prepared(servers: Servers) -> Settings:
    return await prepare(servers, "lag")


@pytest_asyncio.fixture(loop_scope="session")
async def channel(prepared: Settings) -> AsyncIterator[Any]:
    connection = await aiormq.connect(prepared.amqp_url)
    yield await connection.channel()
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def redis(prepared: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(prepared.redis_url, protocol=2) as connection:
        yield connection


@pytest_asyncio.fixture(loop_scope="session")
async def told(prepared: Settings, redis: Redis) -> Told:
    return Told(redis, prepared.amqp_url)


@pytest_asyncio.fixture(loop_scope="session")
async def settings(prepared: Settings, channel: Any, redis: Redis) -> Settings:
    for queue in topology().queues:
        await channel.queue_purge(queue.name)
    await forget(redis)
    for service in DATABASES:
        async with connected(prepared.db_url(service)) as database:
            for table in EMPTIED:
                await database.change(f"DELETE FROM {table}")
    return prepared


async def forget(redis: Redis) -> None:
    """What Redis being emptied means here."""
    for name in await redis.keys("momo.lag.lag.*"):
        await redis.delete(name)


@pytest_asyncio.fixture(loop_scope="session")
async def publish(settings: Settings) -> Publish:
    """Publishes as a process does that counts, which has told of it when this returns."""

    async def published(*envelopes: Envelope) -> None:
        async with counted(settings) as tally:
            await put(settings, envelopes, confirmed=tally.confirmed)

    return published


async def put(settings: Settings, envelopes: Sequence[Envelope], **hooks: Any) -> None:
    """Publishes as somebody does who tells nobody of it."""
    publisher = Publisher(settings.amqp_url, name="momo-tests", **hooks)
    try:
        await publisher.publish(envelopes)
    finally:
        await publisher.stop()
