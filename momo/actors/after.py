"""After the commit: acknowledge, answer who waits, publish what was sent, and move out what failed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from momo.actors.flush import Flushed
from momo.broker.delivery import Delivery
from momo.broker.exits import Exits
from momo.broker.guard import Guard
from momo.broker.publisher import Publisher, PublishError
from momo.live import Replies
from momo.telemetry import hops, metrics, money

log = logging.getLogger(__name__)

IN_FLIGHT = 16
"""How much of one lane's aftermath may be under way at once; more holds the lane."""


class Aftermath:
    """What follows the commits of one lane. `wake` is called when something of it has ended."""

    def __init__(
        self, publisher: Publisher, replies: Replies, exits: Exits, guard: Guard, wake: Callable[[], None]
    ) -> None:
        self._publisher = publisher
        self._replies = replies
        self._exits = exits
        self._guard = guard
        self._wake = wake
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self.confirmed: list[bytes] = []
        """Outbox entries that are published: the lane's next flush deletes them, or the idle lane."""

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    async def after(self, flushed: Flushed) -> None:
        """Sees to a committed flush; returns when the lane may go on, with the rest under way."""
        failing = {id(failure.delivery) for failure in flushed.failures}
        handled = [pair for pair in flushed.outcomes if id(pair[0]) not in failing]
        deliveries = [delivery for delivery, _ in handled]
        acknowledge(deliveries)
        self._replies.send(flushed.outcomes)
        self._count(flushed)
        hops.committed(handled)
        if flushed.envelopes:
            await self._start(self._publish(flushed, deliveries))
        else:
            hops.published(deliveries)
        for failure in flushed.again:
            self._exits.again(failure.delivery, failure.error)
        for failure in flushed.failures:
            await self.fail(failure.delivery, failure.error)

    async def fail(self, delivery: Delivery, error: Exception) -> None:
        """One message that was not committed: for another attempt, or dead."""
        await self._start(self._exits.retry(delivery, error))

    async def postpone(self, delivery: Delivery) -> None:
        """One message whose records are locked for long: back in a second."""
        await self._start(self._exits.postpone(delivery))

    async def _start(self, work: Coroutine[Any, Any, None]) -> None:
        await self._slots.acquire()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the aftermath of a flush failed", exc_info=error)
        self._wake()

    async def _publish(self, flushed: Flushed, causes: Sequence[Delivery]) -> None:
        try:
            await self._publisher.publish(flushed.envelopes)
        except PublishError as error:
            log.warning("%d messages stay in the outbox for the relay: %s", len(flushed.envelopes), error)
            hops.published(causes, error)
        else:
            self.confirmed += flushed.outbox_ids
            hops.published(causes)

    def _count(self, flushed: Flushed) -> None:
        counts = Counter([(delivery.queue, outcome.state) for delivery, outcome in flushed.outcomes])
        for (queue, state), count in counts.items():
            metrics.MESSAGES.labels(queue.name, state).inc(count)
            if state != "failed":
                self._guard.handled(queue, count)
        money.announced(flushed.envelopes)
        if flushed.repeated:
            metrics.REPEATED.labels(flushed.outcomes[0][0].queue.service).inc(flushed.repeated)


def acknowledge(deliveries: Sequence[Delivery]) -> None:
    """Settles `deliveries` and acks on each of their channels what can be acked."""
    ledgers = {}
    for delivery in deliveries:
        delivery.settle()
        ledgers[id(delivery.ledger)] = delivery.ledger
    for ledger in ledgers.values():
        ledger.acknowledge()
