"""HTTP: one join at a time with `Prefer: wait` on an idle MOMO; ms from request to committed outcome."""

from __future__ import annotations

import time

import aiohttp
import msgspec

from momo.bench.meetings import open_meetings
from momo.gateway.tokens import Member, Tokens
from momo.local.stage import whole
from momo.settings import Settings
from momo.store.connection import connected

WARM_UP = 50


class Answered(msgspec.Struct, kw_only=True):
    """Milliseconds from sending a request to its committed outcome."""

    requests: int
    p50_ms: float
    p99_ms: float


async def http(settings: Settings, *, requests: int = 1_000) -> Answered:
    """Sends joins of as many members, each when the one before is answered. Raises RuntimeError where one is not."""
    async with connected(settings.db_url("meeting")) as database:
        meeting = await open_meetings(database, 1)
    tokens = Tokens(settings.token_secret)
    times: list[float] = []
    async with whole(settings) as address, aiohttp.ClientSession() as client:
        for number in range(requests + WARM_UP):
            token = tokens.sign(Member(member_id=1_000 + number, nickname=f"m{number}", role="member"))
            headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=10", "Idempotency-Key": f"bench-{number}"}
            began = time.perf_counter()
            async with client.post(f"{address}/api/v2/meetings/{meeting}/join", headers=headers) as response:
                body = await response.text()
            times.append((time.perf_counter() - began) * 1000)
            if response.status != 200:
                raise RuntimeError(f"a join was answered {response.status}: {body}")
    ordered = sorted(times[WARM_UP:])
    return Answered(
        requests=requests,
        p50_ms=round(ordered[len(ordered) // 2], 2),
        p99_ms=round(ordered[len(ordered) * 99 // 100], 2),
    )
