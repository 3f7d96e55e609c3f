"""Holding a dead-letter queue: its letters are looked at unacknowledged, and those that are not settled go back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiormq.exceptions import ChannelLockedResource
from pamqp.commands import Basic

from contracts.topology import Queue
from momo.broker.address import connect, connection_url
from momo.dlq.errors import Busy
from momo.dlq.letter import Letter, read

PATIENCE = 5.0
"""Seconds to wait for another desk to let go of a queue."""
ACKS = 10
"""Acks, or returns, on their way at once: a third of what a quorum queue's client in the broker sends on at once."""
WINDOW = 1_024
"""Letters that the broker sends ahead (a multiple of RETURNS): asked for one by one, ten thousand take 25 s, so one."""
RETURNS = 32
"""Letters given back at once: of more, the broker forgets the order."""
SILENCE = 1.0
"""Seconds without a letter after which the queue itself is asked whether there is one."""


class Holding:
    """The letters of one dead-letter queue, on a channel of its own. `depth` is how many there were when it began;
    what dies meanwhile is not looked at."""

    def __init__(self, channel: Any, origin: Queue, depth: int) -> None:
        self._channel = channel
        self._origin = origin
        self._ahead: asyncio.Queue[Any] = asyncio.Queue()
        self._consumer = ""
        self._window: set[int] = set()
        """Tags by which the consumer that runs holds letters; another consumer may hold as many more."""
        self._held: dict[int, None] = {}
        """All tags by which letters are held, in order."""
        self.depth = depth

    async def letters(self, most: int) -> AsyncIterator[tuple[Letter, int]]:
        """Each letter with its tag, oldest first, no more than `most`."""
        for _ in range(min(self.depth, most)):
            message = await self._next()
            if message is None:
                return
            yield read(self._origin, message), message.delivery.delivery_tag

    async def settle(self, tags: Sequence[int]) -> None:
        """Takes letters out of the queue; they are out of it when this returns."""
        for start in range(0, len(tags), ACKS):
            for tag in tags[start : start + ACKS]:
                await self._channel.basic_ack(tag)
            # acks have no answer, and the broker keeps back, and forgets with the channel, what is too much at once;
            # a get is answered by the queue itself, behind them
            await self._get()
        self._window.difference_update(tags)
        for tag in tags:
            del self._held[tag]

    async def give_back(self) -> None:
        """Puts what was not settled back into its place; it is there when this returns."""
        if self._consumer:
            await self._channel.basic_cancel(self._consumer, timeout=10)
        there = await count(self._channel, self._origin)
        tags = list(self._held)
        for start in range(0, len(tags), RETURNS):
            # told so, newer brokers don't count it as a failed delivery
            await self._channel.basic_nack(tags[start : start + RETURNS][-1], multiple=True, requeue=True)
            if start // RETURNS % ACKS == ACKS - 1:
                await self._returned(there + start)
        await self._returned(there + len(tags))

    async def _returned(self, letters: int) -> None:
        """Waits until so many are there; not for long, since they may have been purged."""
        due = asyncio.get_running_loop().time() + SILENCE
        # nobody tells that they are
        while await count(self._channel, self._origin) < letters and asyncio.get_running_loop().time() < due:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def _next(self) -> Any:
        """The next letter, or None."""
        if self._ahead.empty() and (not self._consumer or len(self._window) >= WINDOW):
            await self._consume()
        try:
            async with asyncio.timeout(SILENCE):
                return await self._ahead.get()
        except TimeoutError:
            await self._get()
        return None if self._ahead.empty() else self._ahead.get_nowait()

    async def _consume(self) -> None:
        if self._consumer:
            await self._channel.basic_cancel(self._consumer, timeout=10)
        self._window = set()
        await self._channel.basic_qos(prefetch_count=WINDOW, timeout=10)
        taken = await self._channel.basic_consume(self._origin.dead_letter_queue, self._arrived, timeout=10)
        self._consumer = taken.consumer_tag

    async def _arrived(self, message: Any) -> None:
        self._window.add(message.delivery.delivery_tag)
        self._take(message)

    async def _get(self) -> None:
        message = await self._channel.basic_get(self._origin.dead_letter_queue, timeout=10)
        if not isinstance(message.delivery, Basic.GetEmpty):
            self._take(message)

    def _take(self, message: Any) -> None:
        self._held[message.delivery.delivery_tag] = None
        self._ahead.put_nowait(message)


def lock_of(origin: Queue) -> str:
    """The exclusive queue that whoever looks at the dead letters of `origin` declares, so that nobody else does."""
    return f"{origin.dead_letter_queue}.desk"


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[Any]:
    """A connection to the broker for the length of a block. Raises what aiormq raises."""
    opened = await connect(connection_url(url, "momo-dlq"))
    try:
        yield opened
    finally:
        await opened.close()


async def count(channel: Any, origin: Queue) -> int:
    """How many letters of `origin` are in its dead-letter queue and in nobody's hands. Raises what aiormq raises."""
    declared = await channel.queue_declare(origin.dead_letter_queue, passive=True, timeout=10)
    return int(declared.message_count or 0)


@asynccontextmanager
async def holding(connection: Any, origin: Queue) -> AsyncIterator[Holding]:
    """Holds the dead-letter queue of `origin`; what is not settled in the block is back in its place after it.

    Raises Busy while another desk does, which would leave nothing to be seen, and what aiormq raises.
    """
    async with _alone(connection, origin):
        channel = await connection.channel(publisher_confirms=False)
        try:
            held = Holding(channel, origin, await count(channel, origin))
            yield held
            await held.give_back()
        finally:
            if not channel.is_closed:
                await channel.close()


@asynccontextmanager
async def _alone(connection: Any, origin: Queue) -> AsyncIterator[None]:
    """Holds a lock on the broker, which lets go of it with the connection: an exclusive queue of its own name."""
    name = lock_of(origin)
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while True:
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.queue_declare(name, exclusive=True, timeout=10)
        except ChannelLockedResource as error:
            if loop.time() > until:
                raise Busy(f"{origin.dead_letter_queue} is in the hands of another desk; try again later") from error
            await asyncio.sleep(0.1)
        else:
            break
    try:
        yield
    finally:
        if not channel.is_closed:
            await channel.queue_delete(name)
            await channel.close()
