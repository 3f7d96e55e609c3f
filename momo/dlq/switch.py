"""The switch of a queue: paused and resumed in every process at once, audited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.topology import Queue
from momo.dlq import acts
from momo.dlq.errors import told
from momo.pauses import Order, Paused, order, paused
from momo.settings import Settings
from momo.store.connection import connected


async def paused_queues(settings: Settings) -> list[Paused]:
    """Every queue that is paused in some process, or ordered to be. Raises DeskError."""
    async with told(), _redis(settings) as redis:
        return await paused(redis)


async def switch(settings: Settings, act: Literal["pause", "resume"], queue: Queue, *, by: str, reason: str) -> int:
    """Pauses `queue` in every process until it is resumed, or ends each of its pauses; how many processes have heard
    of it (of any queue). One that does not hear it now finds the order within a second of being back.

    Raises DeskError.
    """
    given = Order(act=act, queue=queue.name, by=by, reason=reason, at=datetime.now(UTC))
    async with told(), connected(settings.db_url(queue.service)) as audit, _redis(settings) as redis:
        begun = await acts.begin(audit, act, queue, [""], by=by, reason=reason)
        try:
            heard = await order(redis, given)
        except RedisError as error:
            await acts.end(audit, begun, "failed", [f"Redis does not answer: {error}"])
            raise
        await acts.end(audit, begun, "done", [f"{heard} processes have heard of it"])
    return heard


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=5) as redis:
        yield redis
