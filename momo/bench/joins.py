"""Join commands for `meeting.join.queue`, and the ways to send them: as fast as confirms come, or by schedule."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager

from contracts.base import Message
from contracts.meeting import JoinMeeting
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.settings import Settings

WRITE = 500
IN_FLIGHT = 4
TICK = 0.001
FIRST_MEMBER = 1_000


def joins(first: int, meetings: int, messages: int) -> Iterator[JoinMeeting]:
    """A join each of `messages` members, over `meetings` meetings in turn."""
    for n in range(messages):
        yield JoinMeeting(meeting_id=first + n % meetings, member_id=FIRST_MEMBER + n, nickname=f"m{n}")


def sealed(messages: Iterable[Message], reply_to: str = "", traced: float | None = None) -> Iterator[Envelope]:
    """With `traced` each message is of a trace of its own, and that share of the traces is sampled."""
    for n, message in enumerate(messages):
        trace = ""
        if traced is not None:
            flags = int((n + 1) * traced) - int(n * traced)
            trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-{flags:02x}"
        yield seal(message, message_id=fresh_id(), reply_to=reply_to, traceparent=trace)


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Publisher]:
    """A publisher for the length of a block."""
    publisher = Publisher(settings.amqp_url, name="momo-bench")
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


async def fill(settings: Settings, messages: Iterable[Message], traced: float | None = None) -> None:
    """Publishes all, as fast as the broker confirms; `traced` as in `sealed`."""
    async with publishing(settings) as publisher:
        await pour(publisher, sealed(messages, traced=traced))


async def pour(publisher: Publisher, envelopes: Iterable[Envelope], in_flight: int = IN_FLIGHT) -> None:
    """Publishes all, as fast as the broker confirms, with so many writes under way; with one they keep their order."""
    left = iter(envelopes)

    async def feed() -> None:
        while batch := list(itertools.islice(left, WRITE)):
            await publisher.publish(batch, timeout=60)

    await asyncio.gather(*(feed() for _ in range(in_flight)))


async def by_schedule(publisher: Publisher, envelopes: Sequence[Envelope], rate: float) -> dict[str, float]:
    """Publishes `rate` a second, whatever comes back, and waits for the confirms; when each was due, by its id."""
    began = time.perf_counter() + 0.05
    due = {envelope.message_id: began + n / rate for n, envelope in enumerate(envelopes)}
    sent = 0
    async with asyncio.TaskGroup() as tasks:
        while sent < len(envelopes):
            until = min(len(envelopes), int((time.perf_counter() - began) * rate) + 1)
            if until > sent:
                tasks.create_task(publisher.publish(envelopes[sent:until], timeout=60))
                sent = until
            await asyncio.sleep(TICK)
    return due
