"""Holding a dead-letter queue: its letters are looked at unacknowledged, and those that are not settled go back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiormq
from aiormq.exceptions import ChannelLockedResource
from pamqp.commands import Basic

from contracts.topology import Queue
from momo.broker.address import connection_url
from momo.dlq.errors import Busy
from momo.dlq.letter import Letter, read

PATIENCE = 5.0
"""Seconds to wait for another desk to let go of a queue."""
ACKS = 10
"""Acks on their way at once: a third of what a quorum queue's client in the broker sends on at once."""


class Holding:
    """The letters of one dead-letter queue, on a channel of its own. `depth` is how many there were when it began;
    what dies meanwhile is not looked at."""

    def __init__(self, channel: Any, origin: Queue, depth: int) -> None:
        self._channel = channel
        self._origin = origin
        self._ahead: deque[Any] = deque()
        self.depth = depth

    async def letters(self, most: int) -> AsyncIterator[tuple[Letter, int]]:
        """Each letter with its tag, oldest first, no more than `most`."""
        for _ in range(min(self.depth, most)):
            if not self._ahead:
                await self._get()
            if not self._ahead:
                return
            message = self._ahead.popleft()
            yield read(self._origin, message), message.delivery.delivery_tag

    async def settle(self, tags: Sequence[int]) -> None:
        """Takes letters out of the queue; they are out of it when this returns."""
        for start in range(0, len(tags), ACKS):
            for tag in tags[start : start + ACKS]:
                await self._channel.basic_ack(tag)
            # acks have no answer, and the broker keeps back, and forgets with the channel, what is too much at once;
            # a get is answered by the queue itself, behind them
            await self._get()

    async def _get(self) -> None:
        message = await self._channel.basic_get(self._origin.dead_letter_queue, timeout=10)
        if not isinstance(message.delivery, Basic.GetEmpty):
            self._ahead.append(message)


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[Any]:
    """A connection to the broker for the length of a block. Raises what aiormq raises."""
    opened = await aiormq.connect(connection_url(url, "momo-dlq"))
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def holding(connection: Any, origin: Queue) -> AsyncIterator[Holding]:
    """Holds the dead-letter queue of `origin`; what is not settled in the block is back in its place after it.

    Raises Busy while another desk does, which would leave nothing to be seen, and what aiormq raises.
    """
    async with _alone(connection, origin):
        channel = await connection.channel(publisher_confirms=False)
        try:
            declared = await channel.queue_declare(origin.dead_letter_queue, passive=True, timeout=10)
            yield Holding(channel, origin, declared.message_count)
            # all that was not acknowledged; told so, newer brokers don't count it as a failed delivery
            await channel.basic_nack(0, multiple=True, requeue=True)
        finally:
            if not channel.is_closed:
                await channel.close()


@asynccontextmanager
async def _alone(connection: Any, origin: Queue) -> AsyncIterator[None]:
    """Holds a lock on the broker, which lets go of it with the connection: an exclusive queue of its own name."""
    name = f"{origin.dead_letter_queue}.desk"
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
