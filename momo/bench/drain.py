"""Drain: free joins that wait in `meeting.join.queue`, decided by one worker process; messages/s, durable."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from contracts.meeting import JoinMeeting
from momo.bench.meetings import open_meetings
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.local.stage import process
from momo.settings import Settings
from momo.store.connection import Connection, connected

PATIENCE = 300.0


class Drained(msgspec.Struct, kw_only=True):
    """`rate` in messages/s, from the first flush's begin to the last commit; `cpu_us`: of the worker, a message."""

    messages: int
    meetings: int
    seconds: float
    rate: float
    cpu_us: float
    resident_mb: float


async def drain(settings: Settings, *, messages: int = 10_000, meetings: int = 100) -> Drained:
    """Fills the queue, starts one worker process and waits until all is committed. Raises RuntimeError where a member
    who asked for a seat has none."""
    async with connected(settings.db_url("meeting")) as database:
        first = await open_meetings(database, meetings)
        await _fill(settings, first, messages, meetings)
        began = datetime.now(UTC)
        async with process(settings, "work", "meeting") as worker:
            await _until_handled(database, began, messages)
            ended = time.time()
            cpu, resident = _usage(worker.pid)
        [(started,)] = await database.rows("SELECT MIN(handled_at) FROM inbox WHERE handled_at > %s", began)
        [(seated,)] = await database.rows(
            "SELECT COUNT(*) FROM meeting_participants WHERE meeting_id BETWEEN %s AND %s AND status = 'seated'",
            first,
            first + meetings,
        )
    if seated != messages:
        raise RuntimeError(f"{messages} joins were sent, but {seated} members are seated")
    seconds = ended - started.replace(tzinfo=UTC).timestamp()
    return Drained(
        messages=messages,
        meetings=meetings,
        seconds=round(seconds, 3),
        rate=round(messages / seconds),
        cpu_us=round(cpu / messages * 1e6),
        resident_mb=round(resident, 1),
    )


async def _fill(settings: Settings, first: int, messages: int, meetings: int) -> None:
    publisher = Publisher(settings.amqp_url, name="momo-bench")
    commands = [
        seal(JoinMeeting(meeting_id=first + n % meetings, member_id=1_000 + n, nickname=f"m{n}"), message_id=fresh_id())
        for n in range(messages)
    ]
    try:
        for start in range(0, messages, 500):
            await publisher.publish(commands[start : start + 500], timeout=30)
    finally:
        await publisher.stop()


async def _until_handled(database: Connection, began: datetime, messages: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            [(handled,)] = await database.rows("SELECT COUNT(*) FROM inbox WHERE handled_at > %s", began)
            if handled >= messages:
                return
            await asyncio.sleep(0.02)


def _usage(pid: int) -> tuple[float, float]:
    """CPU seconds that a process has used, and its resident memory in MB."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
