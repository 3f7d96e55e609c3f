"""Calls: runs effects, many at a time, each outside any transaction, at least once."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from momo.actors import attempts
from momo.actors.after import acknowledge
from momo.actors.effects import Effect, World
from momo.actors.journal import Journal
from momo.actors.outbox import sent_by
from momo.actors.sent import sent
from momo.breaker import Breaker, BreakerOpen
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.exits import Exits
from momo.broker.guard import Guard
from momo.broker.publisher import Publisher, PublishError
from momo.telemetry import hops, metrics, tracing

log = logging.getLogger(__name__)

TIMEOUT = 30.0
HELD = 30.0
"""Seconds that a message waits here for a circuit to close; then another process may try, or this one again."""


class Calls:
    """Runs one effect queue's messages, at most `limit` at once.

    While a circuit is open, consumption pauses: what is at hand waits, nothing is acked, so nothing follows it. A
    message that has waited for long, or whose call failed with the circuit open, goes back to its queue with no attempt
    burned, and so does all that waits when the process stops.
    """

    def __init__(
        self,
        effect: Effect,
        world: World,
        *,
        publisher: Publisher,
        exits: Exits,
        guard: Guard,
        journal: Journal,
        limit: int,
    ) -> None:
        self._effect = effect
        self._world = world
        self._publisher = publisher
        self._exits = exits
        self._guard = guard
        self._journal = journal
        self._slots = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        metrics.watch_breaker(world.toss.breaker)

    def put(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._run(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self) -> None:
        self._stopping.set()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Cancels what did not finish in time; its messages are delivered again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, delivery: Delivery) -> None:
        queue = delivery.queue.name
        async with self._slots:
            until = asyncio.get_running_loop().time() + HELD
            while not delivery.ledger.gone:
                taken = datetime.now(UTC)
                hops.take([delivery], taken.timestamp())
                hops.begin([delivery])
                try:
                    learned = await self._call(delivery)
                except BreakerOpen as error:
                    if error.called or not await self._let_through(error.breaker, until):
                        await self._exits.postpone(delivery)
                        return
                except PublishError as error:
                    log.warning("%s: what was learned can't be sent yet: %s", queue, error)
                    await asyncio.sleep(1)
                except Exception as error:  # noqa: BLE001 - whatever an effect raises is its message's failure
                    self._journal.note(attempts.failed(delivery, taken, error))
                    await self._exits.retry(delivery, error)
                    return
                else:
                    self._journal.note(attempts.done(delivery, taken, sent(learned)))
                    metrics.MESSAGES.labels(queue, "done").inc()
                    hops.called(delivery)
                    self._guard.handled(delivery.queue)
                    acknowledge([delivery])
                    return

    async def _call(self, delivery: Delivery) -> list[Envelope]:
        with metrics.EFFECT_SECONDS.labels(delivery.queue.name).time(), tracing.during(delivery):
            async with asyncio.timeout(TIMEOUT):
                learned = list(await self._effect(delivery.command, self._world))
        envelopes = sent_by(delivery, learned)
        await self._publisher.publish(envelopes)
        return envelopes

    async def _let_through(self, breaker: Breaker, until: float) -> bool:
        """Waits for `breaker`; False where it lets nothing through until then, or the process stops first."""
        ends = [asyncio.ensure_future(breaker.allowed()), asyncio.ensure_future(self._stopping.wait())]
        try:
            left = until - asyncio.get_running_loop().time()
            await asyncio.wait(ends, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
            return ends[0].done()
        finally:
            for end in ends:
                end.cancel()
