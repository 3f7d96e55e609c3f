"""How many messages are ready in queues, by passive declares."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity

from contracts.topology import DELAYS_MS, QUEUES
from momo.broker.address import connect
from momo.broker.failures import delay_exchange
from momo.broker.publisher import PublishError

CHANNELS = 8
"""Asked on at once: a busy queue, which answers late, holds up its channel only."""
_SOURCES = {queue.name: queue.sources for queue in QUEUES}
_BROKEN = (AMQPError, OSError, TimeoutError, RuntimeError)


class Depth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages that are `ready` in a queue (unacked ones are not seen this way); `missing` where there is no queue."""

    ready: int = 0
    consumers: int = 0
    missing: bool = False


class Depths:
    """Counts over a connection of its own, which is kept, and opened again after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._channels: list[Any] = []

    async def count(self, names: Iterable[str], *, seconds: float) -> dict[str, Depth]:
        """The queues called `names`. Raises PublishError where the broker does not tell of each within `seconds`."""
        asked = tuple(names)
        names = tuple(source for name in asked for source in _sources(name))
        try:
            async with asyncio.timeout(seconds):
                if self._connection is None or self._connection.is_closed:
                    self._connection = await connect(self._url)
                    self._channels = [None] * CHANNELS
                found = await asyncio.gather(*(self._some(n, names[n::CHANNELS]) for n in range(CHANNELS)))
        except _BROKEN as error:
            await self.stop()
            raise PublishError(f"the queues can't be counted: {type(error).__name__} {error}") from error
        depths = {name: depth for some in found for name, depth in some.items()}
        return {name: _together(depths, name) for name in asked}

    async def stop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed:
            with suppress(*_BROKEN):  # it is given up in any case
                async with asyncio.timeout(1):
                    await connection.close()

    async def _some(self, number: int, names: Sequence[str]) -> dict[str, Depth]:
        """Those of `names`, on the channel of that `number`."""
        found = {}
        for name in names:
            channel = self._channels[number]
            if channel is None or channel.is_closed:
                channel = self._channels[number] = await self._connection.channel(publisher_confirms=False)
            try:
                declared = await channel.queue_declare(name, passive=True)
            except ChannelNotFoundEntity:  # by this the broker has closed the channel
                found[name] = Depth(missing=True)
            else:
                found[name] = Depth(ready=declared.message_count or 0, consumers=declared.consumer_count or 0)
        return found


def _sources(name: str) -> tuple[str, ...]:
    """What is counted for a queue; a partition, a delay or dead letters stand for themselves."""
    return _SOURCES.get(name, (name,))


def _together(depths: Mapping[str, Depth], name: str) -> Depth:
    """A queue with all its partitions, of which some may not be there yet, or no more."""
    ready = sum(depths[source].ready for source in _sources(name))
    return msgspec.structs.replace(depths[name], ready=ready)


async def queue_depths(url: str) -> dict[str, Depth]:
    """By queue name: every queue of the topology, its dead letters, and the delay ladder. Raises PublishError."""
    names = [
        *(queue.name for queue in QUEUES),
        *(queue.dead_letter_queue for queue in QUEUES),
        *map(delay_exchange, DELAYS_MS),
    ]
    depths = Depths(url)
    try:
        return await depths.count(dict.fromkeys(names), seconds=10.0)
    finally:
        await depths.stop()
