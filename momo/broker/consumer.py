"""Consuming: the FastStream subscribers of a process, with acknowledgements in our own hands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from contracts.topology import Queue
from momo.broker.address import connection_url
from momo.broker.delivery import Delivery, Newer, Undecodable, decode
from momo.broker.exits import Exits
from momo.broker.failures import undecoded, waiting
from momo.broker.incoming import Incoming, incoming
from momo.broker.partition import Partition
from momo.broker.subscription import Subscription
from momo.broker.wire import Routes, Taken, WiredConnection
from momo.telemetry import metrics

log = logging.getLogger(__name__)

COOL_DOWN = 60.0
"""Seconds after which a paused queue is tried again."""


class Consumers:
    """Subscribes to queues and hands each message on, decoded; what can't be decoded becomes a dead letter at once.

    Each queue has a channel of its own, so that its tags, and with them the multiple acks, are one sequence.

    A queue is consumed one message at a time until one comes that no process has died of. For the broker counts a
    delivery for all that a dying process holds: taken together, a poison message would drag its neighbours along.
    """

    def __init__(self, url: str, *, name: str, exits: Callable[[], Exits]) -> None:
        self.broker = RabbitBroker(
            connection_url(url, f"{name} consumer"),
            logger=None,
            apply_types=False,
            reconnect_interval=1,
        )
        self._routes = Routes(self._stray, self._cancelled)
        # FastStream gives these to aio-pika's `connect_robust` as they are, but has no parameter for this one
        self.broker._connection_kwargs["connection_class"] = partial(WiredConnection, routes=self._routes)  # noqa: SLF001
        self._exits = exits
        self._subscriptions: dict[Queue, Subscription] = {}
        self.partitions: dict[Queue, list[Partition]] = {}
        """Of each queue; somebody has to see to it that they are begun."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: dict[Queue, asyncio.Task[None]] = {}
        self._stopping = False

    @property
    def queues(self) -> tuple[Queue, ...]:
        return tuple(self._subscriptions)

    @property
    def paused(self) -> frozenset[Queue]:
        return frozenset(self._paused)

    @property
    def held(self) -> int:
        """How many messages are delivered and not acknowledged."""
        return sum(ledger.held for ledger in self._routes.ledgers if not ledger.gone)

    def consuming(self, queue: Queue) -> bool:
        """Whether the broker delivers `queue` to this process."""
        return self._subscriptions[queue].consuming

    def idle(self, queue: Queue) -> int | None:
        """How many messages of `queue` this process was given on its channel so far, if it has dealt with all of
        them; None while it has not."""
        return self._subscriptions[queue].idle

    def subscribe(self, queue: Queue, take: Callable[[Delivery], None], *, prefetch: int) -> None:
        """Messages of `queue` go to `take`, at most `prefetch` of them unacknowledged."""

        def taken(source: Subscription | Partition, message: Taken) -> None:
            delivery = self._decode(source, message)
            if delivery is not None:
                take(delivery)

        async def consumed(message: Any) -> None:
            raise RuntimeError(f"{message!r} of {queue.name} has passed by the wire")

        consumed.__annotations__["message"] = queue.contract
        subscriber = self.broker.subscriber(
            RabbitQueue(queue.name, declare=False),
            channel=Channel(prefetch_count=1),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )
        subscriber(consumed)
        subscription = Subscription(queue, subscriber, self._routes, taken, prefetch, self._start)
        self._subscriptions[queue] = subscription
        self.partitions[queue] = [Partition(queue, name, self._routes, taken, prefetch) for name in queue.parts]
        metrics.expect(queue.name)
        metrics.CONSUMING.labels(queue.name).set_function(lambda: subscription.consuming)

    @property
    def connection(self) -> Any:
        """The connection that consumes (aiormq's), or None while there is none."""
        transport = self.broker._connection.transport if self.broker._connection else None  # noqa: SLF001 - FastStream keeps it to itself
        return transport.connection if transport is not None and not transport.connection.is_closed else None

    async def start(self) -> None:
        """Connects and consumes; called again after it raised, it goes on with what is not consumed yet. Raises what
        aio-pika raises where the broker can't be reached or lacks a queue."""
        await self.broker.connect()
        # At once: one after the other, each would wait behind the deliveries of those before it.
        waiting = [each for each in self._subscriptions.values() if not each.begun]
        answers = await asyncio.gather(*(each.begin() for each in waiting), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def cancel(self) -> None:
        """Takes no more messages; those at hand are still handled."""
        self._stopping = True
        for task in self._paused.values():
            task.cancel()
        # all at once: each answer waits behind the deliveries that are on their way already
        await asyncio.gather(*(each.end() for each in self._subscriptions.values()), self._leave(*self._subscriptions))

    async def _leave(self, *queues: Queue) -> None:
        """Gives up the partitions of `queues`, which nothing begins again while they are paused."""
        partitions = [partition for queue in queues for partition in self.partitions[queue]]
        for partition in partitions:
            partition.paused = True
        await asyncio.gather(*(partition.give_up() for partition in partitions))

    async def drained(self) -> None:
        """Waits for what is under way here, such as a message on its way to a dead-letter queue."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Disconnects; what is not acknowledged by now will be delivered again."""
        for task in self._tasks:
            task.cancel()
        # a quorum queue may forget acks that are followed by the end of their channel, but not by an answered question
        await asyncio.gather(*(each.answered() for each in self._subscriptions.values()))
        await self.broker.stop()

    def pause(self, queue: Queue, why: str, seconds: float | None = COOL_DOWN) -> None:
        """Stops consuming `queue`, says so, and tries it again after `seconds`; None: not before it is resumed."""
        if self._stopping or (queue in self._paused and seconds is not None):
            return
        if (timed := self._paused.pop(queue, None)) is not None:
            timed.cancel()
        log.error("%s is paused %s: %s", queue.name, f"for {seconds:.0f} s" if seconds else "until it is resumed", why)
        metrics.PAUSED.labels(queue.name).set(1)
        self._subscriptions[queue].paused = True
        self._paused[queue] = asyncio.create_task(self._pause(queue, seconds))

    async def resume(self, queue: Queue) -> None:
        """Consumes a paused queue again, before its cool-down is over."""
        if (task := self._paused.get(queue)) is not None:
            task.cancel()
        await self._end_pause(queue)

    async def revive(self, queue: Queue) -> None:
        """Opens the channel of a queue anew that is not delivered and was not mended, where that is possible now."""
        await self._subscriptions[queue].revive()

    async def _pause(self, queue: Queue, seconds: float | None) -> None:
        await asyncio.gather(self._subscriptions[queue].cancel(), self._leave(queue))
        if seconds is not None:
            await asyncio.sleep(seconds)
            await self._end_pause(queue)

    async def _end_pause(self, queue: Queue) -> None:
        self._paused.pop(queue, None)
        self._subscriptions[queue].paused = False
        for partition in self.partitions[queue]:
            partition.paused = False
        await self._subscriptions[queue].consume()

    def _cancelled(self, consumer_tag: str) -> None:
        """The broker has ended a consumer, as it does when its queue is deleted. One that begins on the same channel is
        given messages of a queue of the same name that never arrive, and another then never gets them."""
        if (subscription := self._of(consumer_tag)) is not None and not self._stopping:
            log.warning("%s: the broker has cancelled its consumer", subscription.queue.name)
            self._start(subscription.renew())

    def _stray(self, consumer_tag: str) -> None:
        if (subscription := self._of(consumer_tag)) is not None:
            self._start(subscription.cancel_stray(consumer_tag))

    def _of(self, consumer_tag: str) -> Subscription | None:
        return next((each for each in self._subscriptions.values() if consumer_tag in each.tags), None)

    def _decode(self, source: Subscription | Partition, taken: Taken) -> Delivery | None:
        queue, ledger, tag = source.queue, taken.ledger, taken.tag
        ledger.take(tag)
        message = Incoming(body=taken.body)
        try:
            message = incoming(taken.header, taken.body)
            return decode(queue, message, ledger, tag) if source.came(message) else None
        except Newer as error:
            log.warning("%s: a message waits for a process that reads it: %s", queue.name, error)
            self._start(self._exits().leave(waiting(queue, message), ledger, tag))
            return None
        except (Undecodable, ValueError) as error:
            reason = error.reason if isinstance(error, Undecodable) else "malformed"
            self._start(self._exits().bury(queue, reason, undecoded(queue, message, reason, error), ledger, tag))
            return None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
