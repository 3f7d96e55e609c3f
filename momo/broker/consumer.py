"""Consuming: the FastStream subscribers of a process, with acknowledgements in our own hands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from aiormq.exceptions import AMQPError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.address import connection_url
from momo.broker.delivery import Delivery, Undecodable, decode
from momo.broker.exits import Exits
from momo.broker.failures import undecoded
from momo.broker.incoming import Incoming, incoming
from momo.broker.wire import Routes, Taken, WiredConnection
from momo.telemetry import metrics

log = logging.getLogger(__name__)

GONE = (AMQPError, OSError, RuntimeError, TimeoutError)
"""What aio-pika raises for a queue, channel or connection that is not there."""

COOL_DOWN = 60.0
"""Seconds after which a paused queue is tried again."""

DELIVERED = "x-delivery-count"
SUSPECT = 2
"""A message that was in hand when so many processes died may be what killed them."""


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
        self._ledgers: dict[Queue, Ledger] = {}
        self._by_tag: dict[str, Queue] = {}
        self._changing: dict[Queue, asyncio.Lock] = {}
        # FastStream gives these to aio-pika's `connect_robust` as they are, but has no parameter for this one
        self.broker._connection_kwargs["connection_class"] = partial(WiredConnection, routes=self._routes)  # noqa: SLF001
        self._exits = exits
        self._subscribers: dict[Queue, RabbitSubscriber] = {}
        self._takers: dict[Queue, Callable[[Taken], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: dict[Queue, asyncio.Task[None]] = {}
        self._careful: dict[Queue, int] = {}
        self._stopping = False

    @property
    def queues(self) -> tuple[Queue, ...]:
        return tuple(self._subscribers)

    @property
    def paused(self) -> frozenset[Queue]:
        return frozenset(self._paused)

    @property
    def held(self) -> int:
        """How many messages are delivered and not acknowledged."""
        return sum(ledger.held for ledger in self._routes.ledgers if not ledger.gone)

    def consuming(self, queue: Queue) -> bool:
        """Whether the broker delivers `queue` to this process."""
        tag = self._subscribers[queue]._consumer_tag  # noqa: SLF001
        return tag is not None and self._routes.consuming(tag)

    def idle(self, queue: Queue) -> int | None:
        """How many messages of `queue` this process was given on its channel so far, if it has dealt with all of
        them; None while it has not."""
        ledger = self._ledgers.get(queue)
        if ledger is None or ledger.gone:
            return 0
        return None if ledger.held else ledger.delivered

    def subscribe(self, queue: Queue, take: Callable[[Delivery], None], *, prefetch: int) -> None:
        """Messages of `queue` go to `take`, at most `prefetch` of them unacknowledged."""

        def taken(message: Taken) -> None:
            self._ledgers[queue] = message.ledger
            delivery = self._decode(queue, message)
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
        self._subscribers[queue] = subscriber
        self._takers[queue] = taken
        self._careful[queue] = prefetch
        self._changing[queue] = asyncio.Lock()
        metrics.CONSUMING.labels(queue.name).set_function(lambda: self.consuming(queue))

    async def start(self) -> None:
        """Connects and consumes; called again after it raised, it goes on with what is not consumed yet. Raises what
        aio-pika raises where the broker can't be reached or lacks a queue."""
        await self.broker.connect()
        # At once: one after the other, each would wait behind the deliveries of those before it.
        waiting = [queue for queue, subscriber in self._subscribers.items() if subscriber._consumer_tag is None]  # noqa: SLF001
        answers = await asyncio.gather(*map(self._begin, waiting), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def cancel(self) -> None:
        """Takes no more messages; those at hand are still handled."""
        self._stopping = True
        for task in self._paused.values():
            task.cancel()
        # all at once: each answer waits behind the deliveries that are on their way already
        answers = await asyncio.gather(*map(self._cancel, self._subscribers), return_exceptions=True)
        for queue, answer in zip(self._subscribers, answers, strict=True):
            if isinstance(answer, BaseException):
                log.info("%s: the consumer went with its channel: %s", queue.name, answer)

    async def drained(self) -> None:
        """Waits for what is under way here, such as a message on its way to a dead-letter queue."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Disconnects; what is not acknowledged by now will be delivered again."""
        for task in self._tasks:
            task.cancel()
        # a quorum queue may forget acks that are followed by the end of their channel, but not by an answered question
        await asyncio.gather(*(_tried(queue, self._answered(queue)) for queue in self._subscribers))
        await self.broker.stop()

    def pause(self, queue: Queue, why: str, seconds: float | None = COOL_DOWN) -> None:
        """Stops consuming `queue`, says so, and tries it again after `seconds`; None: not before it is resumed."""
        if self._stopping or (queue in self._paused and seconds is not None):
            return
        if (timed := self._paused.pop(queue, None)) is not None:
            timed.cancel()
        log.error("%s is paused %s: %s", queue.name, f"for {seconds:.0f} s" if seconds else "until it is resumed", why)
        metrics.PAUSED.labels(queue.name).set(1)
        self._paused[queue] = asyncio.create_task(self._pause(queue, seconds))

    async def resume(self, queue: Queue) -> None:
        """Consumes a paused queue again, before its cool-down is over."""
        if (task := self._paused.pop(queue, None)) is not None:
            task.cancel()
        async with self._changing[queue]:
            await self._consume(queue)

    async def revive(self, queue: Queue) -> None:
        """Opens the channel of a queue anew that is not delivered and was not mended, where that is possible now."""
        async with self._changing[queue]:
            if queue in self._paused:
                return
            log.warning("%s is not delivered; its channel is opened anew", queue.name)
            await _tried(queue, self._end_channel(queue))
            if self._subscribers[queue]._consumer_tag is None:  # noqa: SLF001
                await _tried(queue, self._consume(queue))

    async def _end_channel(self, queue: Queue) -> None:
        """Ends it as the broker would; aio-pika opens another then, and begins its consumer there."""
        if (broker_queue := self._subscribers[queue]._queue_obj) is not None:  # noqa: SLF001
            channel: Any = broker_queue.channel
            underlay = await channel.get_underlay_channel()
            await underlay.close(AMQPError("its queue is not delivered"))
            async with asyncio.timeout(5):
                await channel.ready()

    async def _begin(self, queue: Queue) -> None:
        subscriber = self._subscribers[queue]
        async with self._changing[queue]:
            await subscriber.start()
        self._claim(queue, subscriber._consumer_tag)  # noqa: SLF001

    def _claim(self, queue: Queue, consumer_tag: str | None) -> None:
        if consumer_tag is not None:
            self._by_tag[consumer_tag] = queue
            self._routes.claim(consumer_tag, self._takers[queue])

    def _cancelled(self, consumer_tag: str) -> None:
        """The broker has ended a consumer, as it does when its queue is deleted. One that begins on the same channel is
        given messages of a queue of the same name that never arrive, and another then never gets them."""
        if (queue := self._by_tag.get(consumer_tag)) is not None and not self._stopping:
            log.warning("%s: the broker has cancelled its consumer", queue.name)
            self._start(self._renew(queue))

    async def _renew(self, queue: Queue) -> None:
        async with self._changing[queue]:
            await _tried(queue, self._end_channel(queue))

    def _stray(self, consumer_tag: str) -> None:
        queue = self._by_tag[consumer_tag]
        if (broker_queue := self._subscribers[queue]._queue_obj) is not None:  # noqa: SLF001
            log.warning("%s: a consumer that was cancelled has begun again", queue.name)
            self._start(_tried(queue, broker_queue.cancel(consumer_tag, timeout=5)))

    async def _pause(self, queue: Queue, seconds: float | None) -> None:
        async with self._changing[queue]:
            await _tried(queue, self._cancel(queue))
        if seconds is None:
            return
        await asyncio.sleep(seconds)
        self._paused.pop(queue, None)
        async with self._changing[queue]:
            await _tried(queue, self._consume(queue))

    async def _answered(self, queue: Queue) -> None:
        broker_queue = self._subscribers[queue]._queue_obj  # noqa: SLF001
        if broker_queue is not None and not broker_queue.channel.is_closed:
            await broker_queue.channel.set_qos(prefetch_count=1, timeout=2)

    async def _widen(self, queue: Queue, prefetch: int) -> None:
        """Takes `prefetch` messages of `queue` at once; that goes for consumers that begin after it."""
        if (broker_queue := self._subscribers[queue]._queue_obj) is not None:  # noqa: SLF001
            # by its answer the consumer of the first message has its tag, also within `start`
            await broker_queue.channel.set_qos(prefetch_count=prefetch, timeout=5)
        async with self._changing[queue]:
            if queue not in self._paused:
                await self._cancel(queue)
                await self._consume(queue)

    async def _cancel(self, queue: Queue) -> None:
        subscriber = self._subscribers[queue]
        tag, subscriber._consumer_tag = subscriber._consumer_tag, None  # noqa: SLF001 - FastStream can only stop it whole
        broker_queue = subscriber._queue_obj  # noqa: SLF001
        if tag is None or broker_queue is None:
            return
        self._routes.retire(tag)
        if broker_queue.channel.is_closed:
            broker_queue._consumers.pop(tag, None)  # noqa: SLF001 - or aio-pika would begin it again
        else:
            await broker_queue.cancel(tag, timeout=5)

    async def _consume(self, queue: Queue) -> None:
        subscriber = self._subscribers[queue]
        broker_queue = subscriber._queue_obj  # noqa: SLF001
        if broker_queue is None or self._stopping:
            return
        subscriber._consumer_tag = await broker_queue.consume(subscriber.consume, timeout=5)  # type: ignore[arg-type]  # noqa: SLF001
        self._claim(queue, subscriber._consumer_tag)  # noqa: SLF001
        if self._stopping:
            await self._cancel(queue)
            return
        metrics.PAUSED.labels(queue.name).set(0)

    def _decode(self, queue: Queue, taken: Taken) -> Delivery | None:
        ledger, tag = taken.ledger, taken.tag
        ledger.take(tag)
        message = Incoming(body=taken.body)
        try:
            message = incoming(taken.header, taken.body)
            if queue in self._careful and _deliveries(message) < SUSPECT:
                self._start(_tried(queue, self._widen(queue, self._careful.pop(queue))))
            return decode(queue, message, ledger, tag)
        except (Undecodable, ValueError) as error:
            log.error("%s: a message is dead: %s", queue.name, error)  # noqa: TRY400 - the message is at fault, not this code
            reason = error.reason if isinstance(error, Undecodable) else "malformed"
            self._start(self._exits().bury(queue, reason, undecoded(queue, message, reason, error), ledger, tag))
            return None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _deliveries(message: Incoming) -> int:
    """How often the broker has given `message` to somebody before who did not settle it."""
    count = message.headers.get(DELIVERED, 0)
    return count if isinstance(count, int) else 0


async def _tried(queue: Queue, work: Coroutine[Any, Any, Any]) -> None:
    """Does `work` if queue and channel are there. Where they are not, they have no consumer, and are looked after."""
    try:
        await work
    except GONE as error:
        log.warning("%s can't be reached: %s", queue.name, error)
