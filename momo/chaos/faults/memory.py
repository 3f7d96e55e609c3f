"""Faults of Redis: killed, emptied. What it holds may be lost."""

from __future__ import annotations

import asyncio
import random

from redis.asyncio import Redis

from momo.chaos.site import Site

AWAY_SECONDS = 2.0


async def kill_redis(site: Site, _: random.Random) -> None:
    """SIGKILL of Redis, and its restart: it comes back empty."""
    try:
        await site.servers.redis.kill()
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        await site.servers.redis.start()


async def flush_redis(site: Site, _: random.Random) -> None:
    """FLUSHALL: sessions, limits and cached outcomes are gone."""
    async with Redis.from_url(site.settings.redis_url) as client:
        await client.flushall()


FAULTS = {"kill-redis": kill_redis, "flush-redis": flush_redis}
