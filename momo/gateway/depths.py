"""How many messages are ready in every queue and dead-letter queue, by passive declares on one channel each."""

from __future__ import annotations

import asyncio

import aiormq
import msgspec
from aiormq.exceptions import AMQPError, ChannelNotFoundEntity

from contracts.topology import DELAYS_MS, QUEUES
from momo.broker.publisher import PublishError

SECONDS = 10.0


class Depth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Messages that are `ready` in a queue (unacked ones are not seen this way); `missing` where there is no queue."""

    ready: int = 0
    consumers: int = 0
    missing: bool = False


async def queue_depths(url: str) -> dict[str, Depth]:
    """By queue name: every queue of the topology, its dead letters, and the delay ladder. Raises PublishError."""
    names = [
        *(queue.name for queue in QUEUES),
        *(queue.dead_letter_queue for queue in QUEUES),
        *(f"momo.delay.{delay}" for delay in DELAYS_MS),
    ]
    try:
        async with asyncio.timeout(SECONDS):
            connection = await aiormq.connect(url)
            try:
                return {name: await _depth(connection, name) for name in dict.fromkeys(names)}
            finally:
                await connection.close()
    except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
        raise PublishError(f"the queues can't be counted: {error}") from error


async def _depth(connection: aiormq.abc.AbstractConnection, name: str) -> Depth:
    channel = await connection.channel()
    try:
        found = await channel.queue_declare(name, passive=True)
        return Depth(ready=found.message_count or 0, consumers=found.consumer_count or 0)
    except ChannelNotFoundEntity:
        return Depth(missing=True)
    finally:
        if not channel.is_closed:
            await channel.close()
