"""A worker: one process that consumes the queues of some services, with its lanes, calls and publisher."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from contracts.topology import Queue, queues_of
from momo.actors import attempts
from momo.actors.calls import Calls
from momo.actors.decision import Decide
from momo.actors.effects import Effect, World
from momo.actors.handler import Handler, handler
from momo.actors.journal import Journal
from momo.actors.lane import Lane
from momo.broker.consumer import Consumers
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.exits import Exits
from momo.broker.guard import Guard
from momo.broker.partitions import Partitions
from momo.broker.publisher import Publisher, PublishError, Sight
from momo.broker.subscription import GONE
from momo.lag.tally import Tally
from momo.live import RedisPush, Replies
from momo.pauses import GUARD, Pauses
from momo.settings import Settings
from momo.steady import SteadyConnection
from momo.stopping import rest
from momo.telemetry import tracing
from momo.telemetry.metrics import watch_breaker
from momo.telemetry.probes import Probes
from momo.toss.client import TossClient

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
PATIENT_LOOKS = 3
"""After so many looks at a queue that is not consumed, the client library is not mending it."""
BATCHES_AHEAD = 4
"""Of messages that the broker may have given us unacknowledged: one being flushed, the others on their way."""


class Service:
    """A service's queues and what answers each: the readable list in `workers/<service>.py`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.handlers: dict[Queue, Handler] = {}
        self.effects: dict[Queue, tuple[Effect, int]] = {}
        self._queues = {queue.name: queue for queue in queues_of(name)}

    def decides(self, queue: str, decide: Decide, *, actor: str) -> None:
        """Messages of `queue` are decided by `decide`; those with the same `actor` field are kept in order.
        Raises ValueError where the queue's partitions are split by another field."""
        found = self._queues[queue]
        if found.partitions is not None and found.partitions.by != actor:
            raise ValueError(f"{queue} is split by {found.partitions.by!r}, but decided by {actor!r}: name the same")
        self.handlers[found] = handler(found, decide, actor=actor)

    def calls(self, queue: str, effect: Effect, *, at_once: int = 32) -> None:
        """Messages of `queue` are carried out by `effect`, so many at once in a process."""
        self.effects[self._queues[queue]] = effect, at_once

    @property
    def unanswered(self) -> list[str]:
        """Queues of the topology that nothing here answers."""
        return [
            name for name, queue in self._queues.items() if queue not in self.handlers and queue not in self.effects
        ]


class Worker:
    """Runs `services`, or only those of their queues whose names are in `only`."""

    def __init__(self, settings: Settings, services: Sequence[Service], only: frozenset[str] | None = None) -> None:
        name = "+".join(service.name for service in services)
        self._settings = settings
        self._only = only
        self._services = services
        # while Redis hangs, what can't be told at once is not worth a connection more
        self._redis = Redis.from_url(
            settings.redis_url,
            socket_timeout=2,
            socket_connect_timeout=2,
            max_connections=32,
            connection_class=SteadyConnection,
        )
        self._tally = Tally(self._redis, settings.amqp_url)
        self._publisher = Publisher(settings.amqp_url, name=f"momo-worker {name}", confirmed=self._tally.confirmed)
        self._guard = Guard(self._pause, share=settings.dead_letter_share, least=settings.dead_letter_least)
        self._journals = {service.name: Journal(settings.db_url(service.name)) for service in services}
        self._exits = Exits(self._publisher, self._guard, self._unread)
        self._consumers = Consumers(settings.amqp_url, name=f"momo-worker {name}", exits=lambda: self._exits)
        self._toss = TossClient(settings.toss_url, settings.toss_secret_key, traces=tracing.client_traces())
        push = RedisPush(self._redis)
        watch_breaker(push.breaker)
        self._world = World(toss=self._toss, push=push)
        self._replies = Replies(self._redis)
        self._pauses = Pauses(self._redis, self._consumers, f"{socket.gethostname()}:{os.getpid()}")
        self._probes = Probes(settings.host, settings.metrics_port, self.amiss)
        self.lanes: list[Lane] = []
        self.calls: list[Calls] = []
        for service in services:
            self._wire(service)
        self._undelivered = set(self._consumers.queues)
        """Queues that were not seen to be delivered to this process when they were last looked at."""
        self._partitions = Partitions(settings.amqp_url, self._redis, self._consumers)

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set, then finishes what is held, within the grace period."""
        async with self._toss, self._probes:
            lanes = [asyncio.create_task(lane.run()) for lane in self.lanes]
            journals = [asyncio.create_task(journal.run()) for journal in self._journals.values()]
            try:
                await self._publisher.start()
                self._tally.start()
                await self._connect(stop)
                watch = asyncio.create_task(self._watch())
                pauses = asyncio.create_task(self._pauses.run())
                shares = [asyncio.create_task(self._partitions.run())] if self._partitions else []
                ended = await _first(stop, [*lanes, *shares])
                for task in (watch, pauses, *shares):
                    task.cancel()
                await self._partitions.stop()
                self._undelivered = set(self._consumers.queues)
                await self._drain()
                if ended is not None:
                    raise RuntimeError("a lane has ended") from ended
            finally:
                for call in self.calls:
                    await call.stop()
                for task in (*lanes, *journals):
                    task.cancel()
                await asyncio.gather(*lanes, *journals, return_exceptions=True)
                await self._consumers.stop()
                await self._publisher.stop()
                await self._tally.stop()
                await self._pauses.withdraw()
                await self._redis.aclose()

    @property
    def ready(self) -> bool:
        """Whether nothing is amiss."""
        return not self.amiss()

    def amiss(self) -> list[str]:
        """Queues that the broker does not deliver to this process, save what is paused, and lanes that can't commit."""
        undelivered = [
            queue.name
            for queue in self._consumers.queues
            if queue not in self._consumers.paused
            and (queue in self._undelivered or not self._consumers.consuming(queue))
        ]
        return [
            *(f"{name} is not delivered" for name in undelivered),
            *(f"{lane.name} does not reach its database" for lane in self.lanes if not lane.healthy),
        ]

    def _wire(self, service: Service) -> None:
        settings = self._settings
        handlers = {queue: found for queue, found in service.handlers.items() if self._takes(queue)}
        if handlers:
            lanes = [
                Lane(
                    f"{service.name}-{number}",
                    settings.db_url(service.name),
                    handlers,
                    publisher=self._publisher,
                    replies=self._replies,
                    exits=self._exits,
                    guard=self._guard,
                    batch=settings.batch,
                )
                for number in range(settings.lanes)
            ]
            self.lanes += lanes
            for queue, found in handlers.items():
                self._consumers.subscribe(queue, _spread(found, lanes), prefetch=settings.batch * BATCHES_AHEAD)
        for queue, (effect, at_once) in service.effects.items():
            if self._takes(queue):
                call = Calls(
                    effect,
                    self._world,
                    publisher=self._publisher,
                    exits=self._exits,
                    guard=self._guard,
                    journal=self._journals[service.name],
                    limit=at_once,
                )
                self.calls.append(call)
                self._consumers.subscribe(queue, call.put, prefetch=at_once * 2)

    def _takes(self, queue: Queue) -> bool:
        return self._only is None or queue.name in self._only

    async def _connect(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._consumers.start()
            except GONE as error:
                log.warning("the broker can't be reached or has no topology yet: %s", error)
                await rest(stop, 1.0)
            else:
                return

    async def _watch(self) -> None:
        """Readiness, and the consumers that are gone without a word."""
        missing: Counter[Queue] = Counter()
        before: dict[Queue, int | None] = {}
        while True:
            for queue in self._consumers.queues:
                sight, idle = await self._look(queue), self._consumers.idle(queue)
                if queue in self._consumers.paused or self._flows(queue, sight, idle, before.get(queue)):
                    del missing[queue]
                    self._undelivered.discard(queue)
                else:
                    missing[queue] += 1
                    self._undelivered.add(queue)
                if sight is not None and missing[queue] >= PATIENT_LOOKS:
                    await self._consumers.revive(queue)
                    del missing[queue]
                before[queue] = idle
            await asyncio.sleep(WATCH_SECONDS)

    def _flows(self, queue: Queue, sight: Sight | None, idle: int | None, before: int | None) -> bool:
        """Whether the broker delivers `queue`: there is a consumer, and it is given what waits. RabbitMQ forgets to
        where a queue is deleted and declared again at once."""
        if sight is None or not sight.consumers or not self._consumers.consuming(queue):
            return False
        return not sight.waiting or idle is None or idle != before

    async def _look(self, queue: Queue) -> Sight | None:
        try:
            return await self._publisher.look(queue.name)
        except PublishError as error:
            log.info("%s can't be looked at: %s", queue.name, error)
            return None

    async def _drain(self) -> None:
        """Stops taking, then finishes: decide, commit, publish, acknowledge."""
        try:
            async with asyncio.timeout(self._settings.grace_seconds):
                await self._consumers.cancel()
                await asyncio.gather(
                    self._consumers.drained(),
                    *(call.drained() for call in self.calls),
                    *(lane.drained() for lane in self.lanes),
                )
                await asyncio.gather(*(journal.drained() for journal in self._journals.values()))
        except TimeoutError:
            log.warning("the grace period is over; what is still held will be delivered again")

    def _pause(self, queue: Queue) -> None:
        self._consumers.pause(queue, GUARD)

    def _unread(self, queue: Queue, letter: Envelope) -> None:
        self._journals[queue.service].note(attempts.buried(queue, letter))


def _spread(found: Handler, lanes: Sequence[Lane]) -> Callable[[Delivery], None]:
    """Hands each message to its actor's lane: always the same in this process."""

    def take(delivery: Delivery) -> None:
        lanes[hash(found.actor_of(delivery.command)) % len(lanes)].put(delivery)

    return take


async def _first(stop: asyncio.Event, lanes: Sequence[asyncio.Task[None]]) -> BaseException | None:
    """Waits for `stop`, or for a lane to end, which it must not; then returns why it did."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({waiting, *lanes}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return next((task.exception() for task in lanes if task in done), None)
