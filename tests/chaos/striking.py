"""Looking at a fault while it strikes: what the tests of the faults share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiormq

from contracts.meeting import JoinMeeting
from momo.bench.meetings import open_meetings
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher, PublishError
from momo.chaos.faults import FAULTS
from momo.chaos.site import DATABASE_USER, Site
from momo.store.connection import connected
from momo.store.errors import StoreUnavailable
from tests.waiting import eventually

Seen = Callable[[], Any | Awaitable[Any]]
SETTLED_WITHIN = 30.0


@asynccontextmanager
async def striking(site: Site, *kinds: str, seed: int = 7) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The faults strike while the block looks at them; afterwards all must be well again."""
    strikes = [asyncio.ensure_future(FAULTS[kind](site, random.Random(seed))) for kind in kinds]
    try:
        yield strikes
    finally:
        await asyncio.gather(*strikes)
        await site.settled(SETTLED_WITHIN)


async def seen(site: Site, kind: str, evidence: Seen) -> None:
    """`evidence` holds before the fault is over."""
    async with striking(site, kind) as [strike]:
        await eventually(evidence, timeout=20)
        assert not strike.done(), "seen only when it was over"


def inside(site: Site, service: str = "meeting") -> str:
    """A service's database as the processes log in, but past the wire."""
    return site.settings.db_url(service).replace("//root@", f"//{DATABASE_USER}@")


def through(site: Site, server: str, url: str) -> str:
    return site.proxies[server].instead_of(url)


async def opened(site: Site) -> int:
    async with connected(site.settings.db_url("meeting")) as database:
        return await open_meetings(database, 1, capacity=5_000)


@asynccontextmanager
async def publishing(site: Site) -> AsyncIterator[Callable[[int, int], Awaitable[None]]]:
    """Publishes so many joins of a meeting, each by a member of its own."""
    publisher = Publisher(site.settings.amqp_url, name="momo-tests")
    members = iter(range(3_000_000_000, 4_000_000_000))

    async def joins(meeting: int, count: int) -> None:
        sent = [JoinMeeting(meeting_id=meeting, member_id=next(members), nickname="m") for _ in range(count)]
        await publisher.publish([seal(join, message_id=fresh_id()) for join in sent], timeout=2)

    try:
        yield joins
    finally:
        await publisher.stop()


async def seated(site: Site, meeting: int) -> int:
    async with connected(site.settings.db_url("meeting")) as database:
        [(count,)] = await database.rows("SELECT seated FROM meetings WHERE meeting_id = %s", meeting)
    return int(count)


async def gives(value: Awaitable[Any], wanted: object) -> bool:
    return bool(await value == wanted)


async def refused(work: Awaitable[Any], why: str) -> bool:
    try:
        await work
    except (StoreUnavailable, PublishError) as error:
        return why in str(error)
    return False


async def has_consumers(site: Site, queue: str, count: int) -> bool:
    try:
        return (await site.consumers())[queue] == count
    except aiormq.exceptions.AMQPError:
        return False
