"""Hearing what MOMO says over Redis: replies to commands, and notices for members."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from momo.settings import Settings


@asynccontextmanager
async def hearing(settings: Settings, pattern: str, hear: Callable[[bytes], None]) -> AsyncIterator[None]:
    """While inside, `hear` gets each payload of the channels that match `pattern`."""
    redis = Redis.from_url(settings.redis_url)
    subscription = redis.pubsub(ignore_subscribe_messages=True)
    await subscription.psubscribe(pattern)

    async def listen() -> None:
        async for message in subscription.listen():
            hear(message["data"])

    task = asyncio.create_task(listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await subscription.aclose()  # type: ignore[no-untyped-call]
        await redis.aclose()
