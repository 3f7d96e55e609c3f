"""One queue's subscription: its consumer and channel, begun, widened, cancelled and opened anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from aiormq.exceptions import AMQPError
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.incoming import Incoming, deliveries
from momo.broker.wire import Routes, Taken
from momo.telemetry import metrics

log = logging.getLogger(__name__)

GONE = (AMQPError, OSError, RuntimeError, TimeoutError)
"""What aio-pika raises for a queue, channel or connection that is not there."""


SUSPECT = 2
"""A message that was in hand when so many processes died may be what killed them."""


class Subscription:
    """What FastStream's `subscriber` of `queue` is told to do; its messages go to `take`.

    One message at a time is taken until `widen`. Whatever changes the consumer waits for the change before it. Every
    method but `begin` does nothing more than say so where queue or channel are not there: they have no consumer then,
    and are looked after.
    """

    def __init__(  # noqa: PLR0917
        self,
        queue: Queue,
        subscriber: RabbitSubscriber,
        routes: Routes,
        take: Callable[[Subscription, Taken], None],
        prefetch: int,
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.queue = queue
        self.paused = False
        """Nothing consumes it while this is set."""
        self.careful = True
        """One message is taken at a time, until one comes that no process has died of."""
        self.tags: set[str] = set()
        """Of every consumer that it has had."""
        self.ledger: Ledger | None = None
        """Of the channel that the last message came by."""
        self._subscriber = subscriber
        self._routes = routes
        self._take = take
        self._prefetch = prefetch
        self._start = start
        self._changing = asyncio.Lock()
        self._ended = False

    @property
    def begun(self) -> bool:
        """Whether it has a consumer, or had one when its channel went: aio-pika begins that again."""
        return self._tag is not None

    @property
    def consuming(self) -> bool:
        """Whether the broker delivers the queue to this process."""
        return self._tag is not None and self._routes.consuming(self._tag)

    @property
    def idle(self) -> int | None:
        """How many messages were given on the channel so far, if all of them are dealt with; None while not."""
        if self.ledger is None or self.ledger.gone:
            return 0
        return None if self.ledger.held else self.ledger.delivered

    def came(self, message: Incoming) -> bool:
        """Whether `message`, which has just come, is one to handle: here, all are."""
        if self.careful and deliveries(message) < SUSPECT:
            self.careful = False
            self._start(self.widen())
        return True

    async def begin(self) -> None:
        """Raises what aio-pika raises where the broker can't be reached or lacks the queue."""
        async with self._changing:
            await self._subscriber.start()
        self._claim()

    async def widen(self) -> None:
        """Takes as many messages at once as it may, from the next consumer on, which begins now."""
        with self._tried():
            if self._broker_queue is not None:
                # by its answer the consumer of the first message has its tag, also within `begin`
                await self._broker_queue.channel.set_qos(prefetch_count=self._prefetch, timeout=5)
            async with self._changing:
                if not self.paused:
                    await self._cancel()
                    await self._consume()

    async def cancel(self) -> None:
        """Takes no more messages until `consume`."""
        with self._tried():
            async with self._changing:
                await self._cancel()

    async def consume(self) -> None:
        """Takes messages again."""
        with self._tried():
            async with self._changing:
                await self._consume()

    async def end(self) -> None:
        """Takes no more messages, for good."""
        self._ended = True
        with self._tried():
            await self._cancel()

    async def renew(self) -> None:
        """Opens another channel; a consumer that the broker has ended begins again there."""
        async with self._changing:
            with self._tried():
                await self._end_channel()

    async def revive(self) -> None:
        """Opens another channel and consumes, where that is possible now."""
        async with self._changing:
            if self.paused:
                return
            log.warning("%s is not delivered; its channel is opened anew", self.queue.name)
            with self._tried():
                await self._end_channel()
            if not self.begun:
                with self._tried():
                    await self._consume()

    async def cancel_stray(self, consumer_tag: str) -> None:
        """Cancels a consumer that has begun again after it was cancelled."""
        if self._broker_queue is not None:
            log.warning("%s: a consumer that was cancelled has begun again", self.queue.name)
            with self._tried():
                await self._broker_queue.cancel(consumer_tag, timeout=5)

    async def answered(self) -> None:
        """Returns when the broker has read all that was written to the channel."""
        with self._tried():
            if self._broker_queue is not None and not self._broker_queue.channel.is_closed:
                await self._broker_queue.channel.set_qos(prefetch_count=1, timeout=2)

    @property
    def _tag(self) -> str | None:
        return self._subscriber._consumer_tag  # noqa: SLF001 - FastStream can only start and stop a subscriber whole

    @property
    def _broker_queue(self) -> Any:
        return self._subscriber._queue_obj  # noqa: SLF001 - the same

    def _claim(self) -> None:
        if self._tag is not None:
            self.tags.add(self._tag)
            self._routes.claim(self._tag, self._taken)

    def _taken(self, taken: Taken) -> None:
        self.ledger = taken.ledger
        self._take(self, taken)

    async def _cancel(self) -> None:
        tag, self._subscriber._consumer_tag = self._tag, None  # noqa: SLF001 - the same
        broker_queue = self._broker_queue
        if tag is None or broker_queue is None:
            return
        self._routes.retire(tag)
        if broker_queue.channel.is_closed:
            broker_queue._consumers.pop(tag, None)  # noqa: SLF001 - or aio-pika would begin it again
        else:
            await broker_queue.cancel(tag, timeout=5)

    async def _consume(self) -> None:
        if self._broker_queue is None or self._ended or self.begun:
            return
        self._subscriber._consumer_tag = await self._broker_queue.consume(self._subscriber.consume, timeout=5)  # noqa: SLF001 - the same
        self._claim()
        if self._ended:
            await self._cancel()
            return
        metrics.PAUSED.labels(self.queue.name).set(0)

    async def _end_channel(self) -> None:
        """Ends it as the broker would; aio-pika opens another then, and begins its consumer there."""
        if self._broker_queue is not None:
            channel = self._broker_queue.channel
            underlay = await channel.get_underlay_channel()
            await underlay.close(AMQPError("its queue is not delivered"))
            async with asyncio.timeout(5):
                await channel.ready()

    @contextmanager
    def _tried(self) -> Iterator[None]:
        try:
            yield
        except GONE as error:
            log.warning("%s can't be reached: %s", self.queue.name, error)
        except asyncio.CancelledError:
            # aiormq cancels who waits on a connection whose peer fell silent, which nobody has asked for
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            log.warning("%s can't be reached: its connection was given up", self.queue.name)
