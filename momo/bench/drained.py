"""How fast and at what cost waiting messages are handled: one measurement, that several cases are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import msgspec

from momo.bench.ground import Figures, Ground, reset, waiting
from momo.bench.joins import fill, joins
from momo.bench.meetings import open_meetings
from momo.bench.usage import cpu_seconds, peak_mb
from momo.local.stage import MOMO, process
from momo.store.connection import Connection, connected

PATIENCE = 300.0
LOOK = 0.1
"""Counting costs the database: rarely enough that it takes no more than a few percent of it."""
EVENTS = "meeting.joined.queue"


class Drained(msgspec.Struct, kw_only=True):
    """`rate` in messages/s once under way: without the first and the last tenth, so without any start-up. CPU in µs a
    message, over about the same time; `flush` is how many messages one commit took, `peak_mb` the largest worker's."""

    rate: float
    cpu_us: float
    rabbitmq_us: float
    mariadb_us: float
    flush: float
    peak_mb: float

    def figures(self, prefix: str = "") -> Figures:
        return {f"{prefix}{name}": value for name, value in msgspec.structs.asdict(self).items()}


async def joined(
    ground: Ground,
    messages: int,
    meetings: int,
    *,
    capacity: int = 10_000,
    workers: int = 1,
    program: Sequence[str] = MOMO,
    traced: float | None = None,
) -> Drained:
    """Free joins that wait in the queue, all decided by `program`; all are of a trace where `traced` is given, and that
    share of them is sampled. Raises RuntimeError where a seat or an event is missing."""
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, meetings, capacity=capacity)
        await fill(ground.settings, joins(first, meetings, messages), traced)
        found = await measured(ground, messages, workers=workers, program=program)
        rows = await database.rows("SELECT status, COUNT(*) FROM meeting_participants GROUP BY status")
        counts: dict[str, int] = dict(rows)
        [(seated,)] = await database.rows("SELECT SUM(seated) FROM meetings")
    seats = min(messages, capacity * meetings)
    if counts.get("seated", 0) != seats or seated != seats or sum(counts.values()) != messages:
        raise RuntimeError(f"{messages} joins for {seats} seats ended as {counts}, and the meetings count {seated}")
    if (events := await waiting(ground.settings, EVENTS)) < seats:
        raise RuntimeError(f"{seats} members are seated, but {EVENTS} has {events} events")
    return found


async def measured(ground: Ground, messages: int, *, workers: int = 1, program: Sequence[str] = MOMO) -> Drained:
    """Starts `workers` processes for the meeting service and measures the first `messages` that they handle."""
    settings, servers = ground.settings, ground.servers
    began = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connected(settings.db_url("meeting")))
        children = [
            await stack.enter_async_context(process(settings, "work", "meeting", program=program))
            for _ in range(workers)
        ]
        groups = ([c.pid for c in children], [ground.pid(servers.rabbitmq)], [ground.pid(servers.mariadb)])

        def used() -> list[float]:
            return [sum(map(cpu_seconds, pids)) for pids in groups]

        before = (0, used())
        await _until(database, began, messages // 10)
        early = used()
        # where most is done by the first look, what is left is too little to tell
        if (count := await _handled(database, began)) < messages // 2:
            before = (count, early)
        after = (await _until(database, began, messages * 9 // 10), used())
        await _until(database, began, messages)
        ended = time.time()
        peak = max(peak_mb(child.pid) for child in children)
    async with connected(settings.db_url("meeting")) as database:
        flushes = await database.rows(
            "SELECT handled_at, COUNT(*) FROM inbox WHERE handled_at > %s GROUP BY handled_at ORDER BY handled_at",
            began,
        )
    moments = [(moment.replace(tzinfo=UTC).timestamp(), count) for moment, count in flushes]
    share = max(1, after[0] - before[0])
    worker, rabbitmq, mariadb = (
        round((late - early) / share * 1e6) for early, late in zip(before[1], after[1], strict=True)
    )
    return Drained(
        rate=round(rate_of(moments, messages, ended)),
        cpu_us=worker,
        rabbitmq_us=rabbitmq,
        mariadb_us=mariadb,
        flush=round(sum(count for _, count in moments) / len(moments), 1),
        peak_mb=round(peak, 1),
    )


def rate_of(flushes: list[tuple[float, int]], messages: int, ended: float) -> float:
    """Messages/s of flushes (when each began, and how many messages it took): without the first and last tenth of
    `messages`, or over all until `ended` where those are too few to tell."""
    done, window = 0, []
    for moment, count in flushes:
        if messages * 0.1 <= done < messages * 0.9:
            window.append((moment, count))
        done += count
    if len(window) < 5:
        return done / (ended - flushes[0][0])
    return sum(count for _, count in window[:-1]) / (window[-1][0] - window[0][0])


async def _handled(database: Connection, began: datetime) -> int:
    [(count,)] = await database.rows("SELECT COUNT(*) FROM inbox WHERE handled_at > %s", began)
    return int(count)


async def _until(database: Connection, began: datetime, messages: int) -> int:
    async with asyncio.timeout(PATIENCE):
        while (count := await _handled(database, began)) < messages:  # noqa: ASYNC110 - only its rows tell
            await asyncio.sleep(LOOK)
    return count
