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
from momo.live import decode_replies, reply_channel
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.stage import process
from momo.store.connection import connected

NAME = "bench"
MEETINGS = 100
WARM_UP = 0.2
"""The share of the messages that comes before anything is timed."""
PATIENCE = 60.0


async def latency(ground: Ground) -> Figures:
    """A reply leaves the worker after the commit; its way through Redis is counted too. Raises RuntimeError where one
    is missing or no seat."""
    rate = (ground.drain_rate or (await joined(ground, ground.size.drain, MEETINGS)).rate) / 2
    messages = int(rate * ground.size.seconds)
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=messages)
    envelopes = list(sealed(joins(first, MEETINGS, messages), NAME))
    heard: dict[str, float] = {}
    complete = asyncio.Event()
    refused: list[str] = []

    def hear(payload: bytes) -> None:
        now = time.perf_counter()
        for reply in decode_replies(payload):
            heard[reply.message_id] = now
            if reply.outcome.state != "done":
                refused.append(str(reply.outcome.problem))
        if len(heard) == messages:
            complete.set()

    settings = msgspec.structs.replace(ground.settings, metrics_port=free_port())
    async with process(settings, "work", "meeting"), hearing(settings, reply_channel(NAME), hear):
        await until_ready(f"http://{settings.host}:{settings.metrics_port}/health/ready")
        async with publishing(settings) as publisher:
            with quiet():
                due = await by_schedule(publisher, envelopes, rate)
                async with asyncio.timeout(PATIENCE):
                    await complete.wait()
    if refused:
        raise RuntimeError(f"{len(refused)} of {messages} joins were not granted: {refused[0]}")
    times = [heard[message_id] - moment for message_id, moment in due.items()]
    return {"rate": round(rate), **percentiles(times[int(messages * WARM_UP) :], wide=True)}
