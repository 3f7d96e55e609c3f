"""`overload`: three times as many joins as the worker can take, for six times as long as the gateway lets them wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from momo.bench.drained import measured
from momo.bench.ground import Figures, Ground, reset
from momo.bench.joins import fill, joins
from momo.bench.lines import lines, listening
from momo.bench.meetings import open_meetings
from momo.bench.requests import CAPACITY, MEETINGS, Joiners
from momo.bench.timing import percentiles, quiet
from momo.bench.usage import resident_mb
from momo.local.stage import process
from momo.store.connection import Connection, connected

TIMES = 3
LOOK = 0.25
PATIENCE = 120.0
WAITED = "UNIX_TIMESTAMP(handled_at) - CONV(HEX(LEFT(message_id, 6)), 16, 10) / 1000"
"""A message's id says when it was sent."""


async def overload(ground: Ground) -> Figures:
    """`shed`: the share of joins that were turned away; `longest_wait_s`: how long the unluckiest of the others waited;
    `recovery_s`: how long after the last join the gateway turned one away, or one had no outcome yet; `*_mb`: the most
    memory that each had, `*_before_mb` what it had before. The worker commits each message alone: one that takes them
    by the hundreds is quicker than a gateway on the same machine. Raises RuntimeError for any other answer than 202 and
    503, and TimeoutError where an accepted join gets no outcome."""
    seconds = 6 * ground.size.seconds
    settings = msgspec.structs.replace(ground.settings, lanes=1, batch=1, shed_lag_seconds=ground.size.seconds)
    alone = msgspec.structs.replace(ground, settings=settings)
    drain_rate = await _drain_rate(alone)
    await reset(settings)
    async with connected(settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
        joiners = Joiners(settings, first)
        rate = TIMES * drain_rate
        requests = joiners.ask(int(rate * seconds))
        address = f"http://{settings.host}:{settings.port}"
        async with process(settings, "serve") as gateway, process(settings, "work", "meeting") as worker:
            await listening(address)
            pids = {"gateway": gateway.pid, "worker": worker.pid, "rabbitmq": ground.pid(ground.servers.rabbitmq)}
            ground.say(f"  {drain_rate:.0f}/s are drained, {rate:.0f}/s offered for {seconds:.0f} s")
            async with lines(address, ground.size.lines) as to:
                accepted = (await to.saturate(joiners.ask(ground.size.lines))).statuses[202]
            await _handled(database, accepted)
            before = {name: resident_mb(pid) for name, pid in pids.items()}
            async with _most(lambda: {name: resident_mb(pid) for name, pid in pids.items()}) as most:
                async with lines(address, ground.size.lines) as to:
                    with quiet():
                        found = await to.offer(requests, rate)
                if other := set(found.statuses) - {202, 503}:
                    raise RuntimeError(f"under overload joins were answered {sorted(other)}")
                accepted += found.statuses[202]
                recovery, more = await _recovery(address, joiners, database, accepted)
            await _handled(database, accepted + more)
        [(longest,)] = await database.rows(f"SELECT MAX({WAITED}) FROM inbox")
    await reset(settings)
    return {
        "drain_rate": drain_rate,
        "offered_rate": rate,
        "shed": round(found.statuses[503] / len(found.times), 3),
        "longest_wait_s": round(float(longest), 1),
        "recovery_s": round(recovery, 1),
        **percentiles(found.times),
        **{f"{name}_mb": round(value, 1) for name, value in most.items()},
        **{f"{name}_before_mb": round(value, 1) for name, value in before.items()},
    }


async def _drain_rate(ground: Ground) -> float:
    await reset(ground.settings)
    messages = 3 * ground.size.requests
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
    await fill(ground.settings, joins(first, MEETINGS, messages))
    return (await measured(ground, messages)).rate


@asynccontextmanager
async def _most(look: Callable[[], dict[str, float]]) -> AsyncIterator[dict[str, float]]:
    """The most of each that `look` finds while inside."""
    most = look()

    async def watch() -> None:
        while True:
            for name, value in look().items():
                most[name] = max(most[name], value)
            await asyncio.sleep(LOOK)

    watching = asyncio.create_task(watch())
    try:
        yield most
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _recovery(address: str, joiners: Joiners, database: Connection, accepted: int) -> tuple[float, int]:
    """Seconds until a join is accepted and all before it have their outcome; how many were accepted meanwhile."""
    began = time.perf_counter()
    more = 0
    async with asyncio.timeout(PATIENCE):
        while not more:
            async with lines(address, 1) as to:
                more += (await to.saturate(joiners.ask(1))).statuses[202]
            await asyncio.sleep(LOOK)
    await _handled(database, accepted)
    return time.perf_counter() - began, more


async def _handled(database: Connection, count: int) -> None:
    """Waits until `count` messages have their outcome. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while (await database.rows("SELECT COUNT(*) FROM inbox"))[0][0] < count:  # noqa: ASYNC110 - only its rows tell
            await asyncio.sleep(LOOK)
