"""The exits of a queue for what failed: another attempt later, a pause, or the dead-letter queue."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

import msgspec

from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.failures import HeldBack, dead, delayed
from momo.broker.guard import Guard
from momo.broker.publisher import Publisher, PublishError
from momo.broker.retries import delay_ms
from momo.telemetry import hops, metrics

log = logging.getLogger(__name__)

POSTPONE_MS = 1_000
FAILED = "failed"
"""The reason of letters that were read, and whose attempts were used up."""
HELD_BACK = "held-back"
"""The reason of letters that were read, and not decided for another's sake."""


class Exits:
    """Moves messages out of their queues. One is settled only when the broker has confirmed it elsewhere: at any
    moment it is in one place or in two, never in none."""

    def __init__(self, publisher: Publisher, guard: Guard, unread: Callable[[Queue, Envelope], None]) -> None:
        """`unread` is told of each letter that nobody could decode, of which no inbox will know."""
        self._publisher = publisher
        self._guard = guard
        self._unread = unread

    async def retry(self, delivery: Delivery, error: BaseException) -> None:
        """`delivery` raised: through the delay ladder for its next attempt, or dead after its last. What is held back
        has none."""
        queue = delivery.queue
        reason = HELD_BACK if isinstance(error, HeldBack) else FAILED
        wait = delay_ms(queue, delivery.attempt, random.random()) if reason == FAILED else None  # noqa: S311 - jitter, not a secret
        if wait is None:
            hops.dead(delivery, error)
            await self.bury(queue, reason, dead(delivery, reason, error), delivery.ledger, delivery.tag)
            return
        hops.retried(delivery, error, wait)
        metrics.RETRIES.labels(queue.name).inc()
        await self._move(delayed(delivery, wait), delivery.ledger, delivery.tag)

    def again(self, delivery: Delivery, error: BaseException) -> None:
        """`delivery` raised and stays with its lane, for its next attempt at once."""
        hops.retried(delivery, error, 0)
        metrics.RETRIES.labels(delivery.queue.name).inc()
        delivery.attempt += 1
        delivery.due_ms = time.time_ns() // 1_000_000

    async def postpone(self, delivery: Delivery) -> None:
        """`delivery` can't be handled now through no fault of its own: back in a second, with no attempt burned."""
        hops.postponed(delivery)
        again = msgspec.structs.replace(delayed(delivery, POSTPONE_MS), attempt=delivery.attempt)
        await self._move(again, delivery.ledger, delivery.tag)

    async def leave(self, envelope: Envelope, ledger: Ledger, tag: int) -> None:
        """`envelope` is a message that this process can't read yet: it waits for one that can."""
        await self._move(envelope, ledger, tag)

    async def bury(self, queue: Queue, reason: str, letter: Envelope, ledger: Ledger, tag: int) -> None:
        """`letter` is a message of `queue` that nothing can be done about here."""
        metrics.DEAD_LETTERS.labels(queue.name, reason).inc()
        if reason != HELD_BACK:
            self._guard.dead(queue)
        if reason not in (FAILED, HELD_BACK):
            hops.unread(queue, reason, letter)
            self._unread(queue, letter)
        await self._move(letter, ledger, tag)

    async def _move(self, envelope: Envelope, ledger: Ledger, tag: int) -> None:
        pause = 0.1
        while not ledger.gone:
            try:
                await self._publisher.publish([envelope])
            except PublishError as error:
                log.warning("%s does not take a message yet: %s", envelope.exchange, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                ledger.settle(tag)
                ledger.acknowledge()
                return
        # the channel is gone: the broker has the message back and delivers it again
