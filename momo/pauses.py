"""Pauses of queues, known to all: which process has paused what, and orders to pause or resume in every process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec
from aiormq.exceptions import AMQPError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.topology import Queue

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks at the orders that stand, where none is heard."""
EXPIRY = 15
"""Seconds after which a process that says nothing more has no say."""
ORDERS_CHANNEL = "momo.pauses.orders"
STANDING = "momo.pauses.standing"
"""A hash: for each queue that an operator has paused, the order. It stands until it is resumed."""
REPORT = "momo.pauses.report."
"""With a process' name: what that process has paused."""
GUARD = "too much of it is dead-lettered"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What every process that consumes `queue` is to do."""

    act: Literal["pause", "resume"]
    queue: str
    by: str
    reason: str
    at: datetime


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One queue that a process has paused."""

    queue: str
    process: str
    by: str
    reason: str
    since: datetime


class Paused(msgspec.Struct, kw_only=True, rename="camel"):
    """A paused queue: since when (UTC), why, by whom (a process' `guard` or an operator), and in which processes."""

    queue: str
    by: str
    reason: str
    since: datetime
    processes: list[str]


class Consuming(Protocol):
    """What is paused and resumed: the consumers of a process."""

    @property
    def queues(self) -> Collection[Queue]: ...
    @property
    def paused(self) -> Collection[Queue]: ...
    def pause(self, queue: Queue, why: str, seconds: float | None) -> None: ...
    async def resume(self, queue: Queue) -> None: ...


_encode = msgspec.json.Encoder().encode
_order = msgspec.json.Decoder(Order).decode
_reports = msgspec.json.Decoder(list[Report]).decode


class Pauses:
    """Reports what `consumers` have paused, and obeys orders. Redis may be away: then nobody is told, orders wait, and
    what is paused resumes by itself after its cool-down."""

    def __init__(self, redis: Redis, consumers: Consuming, process: str) -> None:
        self._redis = redis
        self._consumers = consumers
        self._process = process
        self._reported: dict[Queue, Report] = {}
        self._ordered: dict[Queue, Order] = {}
        self._told = False

    async def run(self) -> None:
        """Reports and obeys until cancelled."""
        away = False
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
                    await heard.subscribe(ORDERS_CHANNEL)
                    away = False
                    while True:
                        await self._obey_standing()
                        await self._report()
                        message = await heard.get_message(timeout=TICK)
                        if message is not None:
                            await self._obey(message["data"])
            except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
                if not away:
                    log.warning("pauses are neither told nor ordered meanwhile: %s", error)
                away = True
                await asyncio.sleep(TICK)

    async def withdraw(self) -> None:
        """Takes the report back where Redis is there, since this process ends."""
        if not self._told:
            return
        try:
            async with asyncio.timeout(1):
                await self._redis.delete(REPORT + self._process)
        except (RedisError, OSError, TimeoutError) as error:
            log.info("the report of what was paused will expire: %s", error)

    async def _obey(self, data: bytes) -> None:
        order = _order(data)
        for queue in self._consumers.queues:
            if queue.name == order.queue:
                await (self._pause(queue, order) if order.act == "pause" else self._resume(queue))

    async def _obey_standing(self) -> None:
        standing: dict[Any, Any] = await self._redis.hgetall(STANDING)
        for queue in self._consumers.queues:
            order = standing.get(queue.name.encode())
            if order is not None:
                await self._pause(queue, _order(order))
            elif queue in self._ordered:
                await self._resume(queue)

    async def _pause(self, queue: Queue, order: Order) -> None:
        if self._ordered.get(queue) != order or queue not in self._consumers.paused:
            self._consumers.pause(queue, f"{order.by} has ordered it: {order.reason}", None)
        self._ordered[queue] = order

    async def _resume(self, queue: Queue) -> None:
        self._ordered.pop(queue, None)
        if queue not in self._consumers.paused:
            return
        log.warning("%s is resumed by order", queue.name)
        try:
            await self._consumers.resume(queue)
        except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
            log.warning("%s can't be consumed again yet: %s", queue.name, error)

    async def _report(self) -> None:
        paused = self._consumers.paused
        for queue in paused:
            order = self._ordered.get(queue)
            known = self._reported.get(queue)
            if known is None or (order is not None and known.by != order.by):
                by, reason, since = (order.by, order.reason, order.at) if order else ("guard", GUARD, datetime.now(UTC))
                self._reported[queue] = Report(
                    queue=queue.name, process=self._process, by=by, reason=reason, since=since
                )
        self._reported = {queue: report for queue, report in self._reported.items() if queue in paused}
        name = REPORT + self._process
        if self._reported:
            await self._redis.set(name, _encode(list(self._reported.values())), ex=EXPIRY)
            self._told = True
        elif self._told:
            await self._redis.delete(name)
            self._told = False


async def paused(redis: Redis) -> list[Paused]:
    """Every queue that some process has paused, or that is ordered to be. Raises RedisError."""
    found: dict[str, Paused] = {}
    standing: dict[Any, Any] = await redis.hgetall(STANDING)
    for order in map(_order, standing.values()):
        found[order.queue] = Paused(queue=order.queue, by=order.by, reason=order.reason, since=order.at, processes=[])
    async for name in redis.scan_iter(match=f"{REPORT}*", count=1_000):
        for report in _reports(await redis.get(name) or b"[]"):
            new = Paused(queue=report.queue, by=report.by, reason=report.reason, since=report.since, processes=[])
            found.setdefault(report.queue, new).processes.append(report.process)
    return sorted(found.values(), key=lambda one: one.queue)


async def order(redis: Redis, given: Order) -> int:
    """Gives an order, and remembers it for processes that do not hear it now; how many have. Raises RedisError."""
    if given.act == "pause":
        await redis.hset(STANDING, given.queue, _encode(given))
    else:
        await redis.hdel(STANDING, given.queue)
    return int(await redis.publish(ORDERS_CHANNEL, _encode(given)))
