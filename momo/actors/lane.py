"""The lane: gathers what is waiting and flushes it in one transaction, on a database connection of its own."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from contracts.topology import Queue
from momo.actors import outbox
from momo.actors.after import Aftermath
from momo.actors.flush import Flush, Flushed
from momo.actors.handler import Handler
from momo.breaker import Breaker, BreakerOpen
from momo.broker.delivery import Delivery
from momo.broker.exits import Exits
from momo.broker.guard import Guard
from momo.broker.publisher import Publisher
from momo.live import Replies
from momo.store.connection import Connection
from momo.store.errors import StoreConflict, StoreContention, StoreError, StoreUnavailable
from momo.store.ids import Ids
from momo.telemetry import hops, metrics, tracing

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PROBE = 0.1
LAST_PROBE = 5.0


class Lane:
    """Decides the messages of some actors, one flush at a time.

    There is no timer: while one flush is under way the next batch gathers, and a message alone is flushed at once.
    While the database is away the breaker is open: the lane keeps what it holds and probes. Nothing is acked, so no
    more than the prefetch is taken, and no attempt is burned.
    """

    def __init__(
        self,
        name: str,
        url: str,
        handlers: Mapping[Queue, Handler],
        *,
        publisher: Publisher,
        replies: Replies,
        exits: Exits,
        guard: Guard,
        batch: int,
    ) -> None:
        self.name = name
        self._url = url
        self._handlers = handlers
        self._batch = batch
        self._waiting: deque[Delivery] = deque()
        self._back: list[Delivery] = []
        """What the batch that is being flushed leaves to the next, in the order of its actors."""
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._after = Aftermath(publisher, replies, exits, guard, self._awake.set)
        self._connection: Connection | None = None
        self._ids = Ids()
        # a lost connection is a failure of the whole lane: the first one counts
        self.breaker = Breaker(
            f"database:{name}",
            failures=1,
            reset_after=FIRST_PROBE,
            longest=LAST_PROBE,
            counted=(StoreUnavailable,),
        )
        metrics.watch_breaker(self.breaker)
        self._seconds = metrics.FLUSH_SECONDS.labels(name)
        self._sizes = metrics.FLUSH_SIZE.labels(name)

    @property
    def healthy(self) -> bool:
        """Whether the lane reaches its database."""
        return self._connection is not None and not self._connection.closed

    def put(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self._idle.clear()
        self._awake.set()

    async def drained(self) -> None:
        """Waits until everything that was put is committed, published and acknowledged, or moved out."""
        await self._idle.wait()

    async def run(self) -> None:
        """Flushes until cancelled."""
        try:
            await self._reached(_nothing)
            while True:
                self._awake.clear()
                if self._waiting:
                    await self._flush(self._gather())
                    self._waiting.extendleft(reversed(self._back))
                    self._back.clear()
                elif self._after.confirmed:
                    await self._tidy()
                else:
                    if not self._after.busy:
                        self._idle.set()
                    await self._awake.wait()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _gather(self) -> list[Delivery]:
        """The next batch, in arrival order. A message whose state is queried must be its actor's first in a flush:
        where it is not it waits for the next, and so does what follows it for that actor."""
        batch: list[Delivery] = []
        later: list[Delivery] = []
        seen: set[object] = set()
        held: set[object] = set()
        weight = 0
        while self._waiting and weight < self._batch:
            delivery = self._waiting.popleft()
            if delivery.ledger.gone and delivery.queue.is_split:
                continue  # whoever has its partition now is given it, and must not wait for our locks
            handler = self._handlers[delivery.queue]
            actor = handler.actor_of(delivery.command)
            if actor in held or (handler.rows and actor in seen):
                held.add(actor)
                later.append(delivery)
            else:
                seen.add(actor)
                delivery.actor = actor
                batch.append(delivery)
                weight += handler.weight_of(delivery.command)
        self._waiting.extendleft(reversed(later))
        hops.take(batch, time.time())
        return batch

    async def _flush(self, batch: Sequence[Delivery], *, again: bool = True) -> None:
        """Commits `batch`. What meets contention is run again, then in halves. Whatever else a whole flush dies of is
        halved until the one message that causes it stands alone."""
        if self._back:
            batch = self._unpreceded(batch)
        if not batch:
            return
        try:
            flushed = await self._attempt(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must cost no more than its own message
            log.info("lane %s: a flush of %d failed: %s", self.name, len(batch), error)
            contention = isinstance(error, StoreContention)
            if contention:
                metrics.FLUSH_CONTENTION.labels(self.name).inc()
            if contention and again:
                await self._flush(batch, again=False)
            elif len(batch) > 1:
                await self._flush(batch[: len(batch) // 2], again=False)
                await self._flush(batch[len(batch) // 2 :], again=False)
            elif contention and not isinstance(error, StoreConflict):
                await self._postpone(batch[0])
            else:
                await self._fail(batch[0], error)
        else:
            self._sizes.observe(len(batch))
            await self._committed(flushed)

    async def _fail(self, delivery: Delivery, error: Exception) -> None:
        """One message that can't be committed: for another attempt, or dead, and then the inbox says so."""
        try:
            flushed = await self._attempt([delivery], broken=error)
        except StoreError as worse:
            log.warning("lane %s: a failure can't be noted: %s", self.name, worse)
            if delivery.queue.keeps_order and isinstance(worse, StoreContention):
                await self._postpone(delivery)
            else:
                await self._after.fail(delivery, error)
        else:
            await self._committed(flushed)

    async def _committed(self, flushed: Flushed) -> None:
        self._back += [failure.delivery for failure in flushed.again]
        self._back += flushed.behind
        await self._after.after(flushed)

    async def _postpone(self, delivery: Delivery) -> None:
        """One message whose records are locked for long: where its actor's order counts it keeps its place."""
        if delivery.queue.keeps_order:
            self._back.append(delivery)
        else:
            await self._after.postpone(delivery)

    def _unpreceded(self, batch: Sequence[Delivery]) -> Sequence[Delivery]:
        """Those of `batch` of whose actor and queue nothing is left to the next; the others are left to it as well."""
        before = {(delivery.queue, delivery.actor) for delivery in self._back}
        self._back += [delivery for delivery in batch if (delivery.queue, delivery.actor) in before]
        return [delivery for delivery in batch if (delivery.queue, delivery.actor) not in before]

    async def _attempt(self, batch: Sequence[Delivery], broken: Exception | None = None) -> Flushed:
        async def flush(connection: Connection) -> Flushed:
            published = list(self._after.confirmed)
            hops.begin(batch)
            with self._seconds.time(), tracing.flushing(self.name, batch):
                flushed = await Flush(batch, self._handlers, self._ids, published, broken).run(connection)
            del self._after.confirmed[: len(published)]
            return flushed

        return await self._reached(flush)

    async def _tidy(self) -> None:
        """Deletes outbox entries that are published, where no flush comes along to do it."""

        async def delete(connection: Connection) -> None:
            published = list(self._after.confirmed)
            await connection.change(outbox.delete(published))
            await connection.commit()
            del self._after.confirmed[: len(published)]

        try:
            await self._reached(delete)
        except StoreError as error:
            log.info("lane %s: %s", self.name, error)
            await self._reached(Connection.rollback)

    async def _reached(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` gives on the lane's connection; done again whenever the breaker lets a probe through, until the
        database is there for all of it."""
        while True:
            try:
                async with self.breaker:
                    return await work(await self._connected())
            except BreakerOpen as error:
                metrics.LANE_HEALTHY.labels(self.name).set(0)
                log.warning("lane %s waits for its database: %s", self.name, error.__cause__ or error)
                if self._connection is not None:
                    self._connection.close()
                await asyncio.sleep(error.retry_after * random.random() / 2)  # noqa: S311 - spreads the probes of many lanes
                await self.breaker.allowed()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await Connection.open(self._url, scripts=True)
        metrics.LANE_HEALTHY.labels(self.name).set(1)
        return self._connection


async def _nothing(_: Connection) -> None:
    """Only whether there is a connection is of interest."""
