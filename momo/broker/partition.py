"""A partition: one of the queues that a queue is split into, consumed by this process or left to others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.incoming import Incoming
from momo.broker.subscription import GONE
from momo.broker.topology import RETIRED
from momo.broker.wire import Routes, Taken
from momo.telemetry import metrics

log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long the broker may take for an answer."""


class Partition:
    """The queue `name` of `queue`, which the broker gives to one consumer at a time.

    It is given up by closing its channel: that gives what is in hand back to the broker, which the next consumer gets
    first and in order. A cancelled consumer would keep it, while another already gets what comes after. What is decided
    here all the same is decided there again, in the same order, and the inbox absorbs whichever is later.

    Every consumer takes the same number at once. RabbitMQ puts what comes back behind what came back before: did one
    take fewer than are there, and die, those would stand behind the others.
    """

    def __init__(
        self, queue: Queue, name: str, routes: Routes, take: Callable[[Partition, Taken], None], prefetch: int
    ) -> None:
        self.queue = queue
        self.name = name
        self.paused = False
        """Nothing consumes it while this is set."""
        self._routes = routes
        self._take = take
        self._prefetch = prefetch
        self._channel: Any = None
        self._tag = ""
        self._ledger: Ledger | None = None
        self._marks = 0
        self._changing = asyncio.Lock()

    @property
    def begun(self) -> bool:
        """Whether this process has a consumer, be it the one that is given messages or one that waits for its turn."""
        return bool(self._tag) and self._routes.consuming(self._tag)

    @property
    def given(self) -> bool:
        """Whether its turn has come: messages were given to this process."""
        return self.begun and self._ledger is not None

    @property
    def retired(self) -> bool:
        """Whether the last message has come, and all before it are dealt with here."""
        ledger = self._ledger
        return self._marks > 0 and ledger is not None and not ledger.gone and ledger.unsettled == self._marks

    async def begin(self, connection: Any) -> None:
        """Consumes it over `connection` (aiormq's); does nothing more than say so where that is not possible now."""
        async with self._changing:
            if not self.paused and not self.begun:
                await self._begin(connection)

    async def give_up(self) -> None:
        """Leaves it to others, with all of its messages that are not acknowledged."""
        async with self._changing:
            await self._give_up()

    async def delete(self) -> None:
        """Ends the queue, which has to be empty but for the message that says so."""
        async with self._changing:
            try:
                await self._channel.queue_delete(self.name, timeout=SECONDS)
            except GONE as error:
                log.warning("%s is empty, but can't be deleted: %s", self.name, error)
            else:
                log.info("%s was retired and is empty: it is deleted", self.name)
            await self._give_up()

    async def _begin(self, connection: Any) -> None:
        await self._give_up()
        try:
            async with asyncio.timeout(SECONDS):
                self._channel = await connection.channel(publisher_confirms=False)
                await self._channel.basic_qos(prefetch_count=self._prefetch)
                self._tag = f"{self.name} {uuid4()}"
                self._routes.claim(self._tag, self._taken)
                await self._channel.basic_consume(self.name, _passed_by, consumer_tag=self._tag)
        except GONE as error:
            log.warning("%s can't be consumed: %s", self.name, error)
            await self._give_up()

    async def _give_up(self) -> None:
        channel, self._channel = self._channel, None
        tag, self._tag = self._tag, ""
        self._ledger, self._marks = None, 0
        if tag:
            self._routes.disclaim(tag)
        if channel is not None and not channel.is_closed:
            try:
                async with asyncio.timeout(SECONDS):
                    await channel.close()
            except GONE as error:
                log.warning("the channel of %s does not close: %s", self.name, error)

    def came(self, message: Incoming) -> bool:
        """Whether `message`, which has just come, is one to handle."""
        if message.type != RETIRED:
            return True
        self._marks += 1
        return False

    def _taken(self, taken: Taken) -> None:
        if self._ledger is None:
            metrics.TURNS.labels(self.queue.name).inc()
        self._ledger = taken.ledger
        self._take(self, taken)


async def _passed_by(message: Any) -> None:
    raise RuntimeError(f"{message!r} has passed by the wire")
