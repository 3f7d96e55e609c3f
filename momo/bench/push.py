"""`push`: notices to very many open WebSockets of one gateway process, to all at once and to some by schedule."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
from redis.asyncio import Redis

from contracts.meeting import MeetingDismissed
from contracts.notification import SendNotification
from momo.bench.crowd import Report
from momo.bench.ground import Figures, Ground, reset
from momo.bench.joins import fill, publishing, sealed
from momo.bench.lines import listening
from momo.bench.timing import percentiles, quiet
from momo.bench.usage import resident_mb
from momo.live import RedisPush
from momo.local.stage import process
from momo.settings import Settings, inherited

FIRST_MEMBER = 1_000
SPARE_FILES = 500
OPEN_SECONDS = 120.0
TICK = 0.001


class Crowd:
    """The process that holds the clients' ends."""

    def __init__(self, child: Process) -> None:
        self._child = child

    async def opened(self) -> None:
        async with asyncio.timeout(OPEN_SECONDS):
            await self._line()

    async def heard(self, count: int) -> Report:
        """What its sockets were told, once it is `count` notices. Raises RuntimeError where it is not, or a socket is
        lost."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{count}\n".encode())
        report = await self._line()
        if report.lost or len(report.times) != count:
            raise RuntimeError(f"{len(report.times)} of {count} notices came, {report.lost} sockets lost: {report.why}")
        return report

    async def _line(self) -> Report:
        assert self._child.stdout is not None
        line = await self._child.stdout.readline()
        if not line:
            raise RuntimeError("the process with the clients' sockets has ended")
        return msgspec.json.decode(line, type=Report)


async def push(ground: Ground) -> Figures:
    """Seconds until the last of `Size.sockets` has heard: of one event, with a notice stored for each (`event_s`), of
    as many notices put into `notification.send.queue` (`queue_s`), and put into Redis (`all_s`: the gateway alone).
    Percentiles are of `Size.pushes` a second to random sockets, through the queue. `socket_kb` is the gateway's memory
    for one. Raises RuntimeError where one notice is missing."""
    await reset(ground.settings)
    settings, count = ground.settings, ground.size.sockets
    allow_files(count + SPARE_FILES)
    async with process(settings, "serve", "notification") as gateway, process(settings, "work", "notification"):
        address = f"http://{settings.host}:{settings.port}"
        await listening(address)
        before = resident_mb(gateway.pid)
        began = time.perf_counter()
        async with _crowd(settings, address, count) as crowd:
            opened = time.perf_counter() - began
            memory = (resident_mb(gateway.pid) - before) / count * 1_000
            event = await _event(settings, crowd, count)
            queue = await _queue(settings, crowd, count)
            direct = await _redis(settings, crowd, count)
            times = await _random(ground, crowd, count)
    return {
        "event_s": round(event, 2),
        "queue_s": round(queue, 2),
        "all_s": round(direct, 2),
        **percentiles(times, wide=True),
        "socket_kb": round(memory, 1),
        "opened_per_s": round(count / opened),
    }


def allow_files(count: int) -> None:
    """Lets this process and its children open `count` files. Raises RuntimeError where the system forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise RuntimeError(f"{count} open files are needed, but this system allows {hard}: raise `ulimit -Hn`")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@asynccontextmanager
async def _crowd(settings: Settings, address: str, count: int) -> AsyncIterator[Crowd]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "momo.bench.crowd", address, str(FIRST_MEMBER), str(count)),
        env=inherited(settings),
        stdin=PIPE,
        stdout=PIPE,
        limit=1 << 26,
    )
    try:
        crowd = Crowd(child)
        await crowd.opened()
        yield crowd
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _event(settings: Settings, crowd: Crowd, count: int) -> float:
    """A host calls a meeting off: the event says when, in the title."""
    members = tuple(range(FIRST_MEMBER, FIRST_MEMBER + count))
    began = time.time()
    event = MeetingDismissed(meeting_id=1, title=f"{began:.6f}", member_ids=members)
    async with publishing(settings) as publisher:
        await publisher.publish(list(sealed([event])))
        return (await crowd.heard(count)).last - began


async def _queue(settings: Settings, crowd: Crowd, count: int) -> float:
    began = time.time()
    await fill(settings, [_notice(member, 2, began) for member in range(FIRST_MEMBER, FIRST_MEMBER + count)])
    return (await crowd.heard(count)).last - began


async def _redis(settings: Settings, crowd: Crowd, count: int) -> float:
    redis = Redis.from_url(settings.redis_url)
    began = time.time()
    async with redis.pipeline(transaction=False) as pipeline:
        push = RedisPush(pipeline)
        for member in range(FIRST_MEMBER, FIRST_MEMBER + count):
            await push.send(_notice(member, 3, began))
        await pipeline.execute()
    await redis.aclose()
    return (await crowd.heard(count)).last - began


async def _random(ground: Ground, crowd: Crowd, count: int) -> list[float]:
    rate = ground.size.pushes
    total = int(rate * ground.size.seconds)
    sequences = Counter(dict.fromkeys(range(FIRST_MEMBER, FIRST_MEMBER + count), 3))
    members = random.choices(range(FIRST_MEMBER, FIRST_MEMBER + count), k=total)  # noqa: S311 - who is told is no secret
    began = time.time() + 0.1
    notices = []
    for number, member in enumerate(members):
        sequences[member] += 1
        notices.append(_notice(member, sequences[member], began + number / rate))
    async with publishing(ground.settings) as publisher, asyncio.TaskGroup() as tasks:
        with quiet():
            sent = 0
            while sent < total:
                until = min(total, int((time.time() - began) * rate) + 1)
                if until > sent:
                    tasks.create_task(publisher.publish(list(sealed(notices[sent:until])), timeout=60))
                    sent = until
                await asyncio.sleep(TICK)
            report = await crowd.heard(total)
    return report.times


def _notice(member: int, sequence: int, due: float) -> SendNotification:
    return SendNotification(
        member_id=member,
        sequence=sequence,
        type="meeting.cancelled",
        content=f"{due:.6f}",
        meeting_id=1,
        created_at=datetime.now(UTC),
    )
