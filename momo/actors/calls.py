"""Calls: runs effects, many at a time, each outside any transaction, at least once."""

from __future__ import annotations

import asyncio
import logging

from momo.actors.after import acknowledge
from momo.actors.effects import Effect, World
from momo.actors.outbox import sent_by
from momo.breaker import BreakerOpen
from momo.broker.delivery import Delivery
from momo.broker.exits import Exits
from momo.broker.guard import Guard
from momo.broker.publisher import Publisher, PublishError
from momo.telemetry import metrics

log = logging.getLogger(__name__)

TIMEOUT = 30.0


class Calls:
    """Runs one effect queue's messages, at most `limit` at once."""

    def __init__(
        self, effect: Effect, world: World, *, publisher: Publisher, exits: Exits, guard: Guard, limit: int
    ) -> None:
        self._effect = effect
        self._world = world
        self._publisher = publisher
        self._exits = exits
        self._guard = guard
        self._slots = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._run(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self) -> None:
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
            while True:
                try:
                    with metrics.EFFECT_SECONDS.labels(queue).time():
                        async with asyncio.timeout(TIMEOUT):
                            learned = list(await self._effect(delivery.command, self._world))
                        await self._publisher.publish(sent_by(delivery, learned))
                except BreakerOpen as error:
                    # nobody was called: no attempt is burned, and the slots held here slow the queue down
                    await asyncio.sleep(error.retry_after)
                except PublishError as error:
                    log.warning("%s: what was learned can't be sent yet: %s", queue, error)
                    if delivery.ledger.gone:
                        return
                    await asyncio.sleep(1)
                except Exception as error:  # noqa: BLE001 - whatever an effect raises is its message's failure
                    await self._exits.retry(delivery, error)
                    return
                else:
                    metrics.MESSAGES.labels(queue, "done").inc()
                    self._guard.handled(delivery.queue)
                    await acknowledge([delivery])
                    return
