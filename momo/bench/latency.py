"""`latency`: joins published by schedule at half of the drain rate; ms from when each was due to its reply."""

from __future__ import annotations

import asyncio
import time

import msgspec

from momo.bench.drained import joined
from momo.bench.ground import Figures, Ground, reset
from momo.bench.hearing import hearing
from momo.bench.joins import by_schedule, joins, publishing, sealed
from momo.bench.meetings import open_meetings
from momo.bench.timing import percentiles, quiet
from momo.bench.usage import cpu_seconds
from momo.live import decode_replies, reply_channel
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.stage import process
from momo.store.connection import connected

NAME = "bench"
MEETINGS = 100
WARM_UP = 500
PATIENCE = 60.0


async def latency(ground: Ground) -> Figures:
    """A reply leaves the worker after the commit; its way through Redis is counted too. `cpu_us`: what the worker needs
    for a message of such small flushes. Raises RuntimeError where a reply is missing or a seat refused."""
    rate = (ground.drain_rate or (await joined(ground, ground.size.drain, MEETINGS)).rate) / 2
    count = int(rate * ground.size.seconds)
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=WARM_UP + count)
    envelopes = list(sealed(joins(first, MEETINGS, WARM_UP + count), NAME))
    replies = Replies()
    settings = msgspec.structs.replace(ground.settings, metrics_port=free_port())
    async with process(settings, "work", "meeting") as worker, hearing(settings, reply_channel(NAME), replies.hear):
        await until_ready(f"http://{settings.host}:{settings.metrics_port}/health/ready")
        async with publishing(settings) as publisher:
            await publisher.publish(envelopes[:WARM_UP])
            await replies.all_of(WARM_UP)
            before = cpu_seconds(worker.pid)
            with quiet():
                due = await by_schedule(publisher, envelopes[WARM_UP:], rate)
                await replies.all_of(WARM_UP + count)
            used = cpu_seconds(worker.pid) - before
    times = [replies.heard[message_id] - moment for message_id, moment in due.items()]
    return {"rate": round(rate), **percentiles(times, wide=True), "cpu_us": round(used / count * 1e6)}


class Replies:
    """When each command was answered, by its id."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self._refused = ""
        self._more = asyncio.Event()

    def hear(self, payload: bytes) -> None:
        now = time.perf_counter()
        for reply in decode_replies(payload):
            self.heard[reply.message_id] = now
            if reply.outcome.state != "done":
                self._refused = str(reply.outcome.problem)
        self._more.set()

    async def all_of(self, count: int) -> None:
        """Waits for `count` answers in all. Raises RuntimeError where one of them is a no, TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()
        if self._refused:
            raise RuntimeError(f"a join was not granted: {self._refused}")
