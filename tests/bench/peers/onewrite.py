"""Publishing by hand on an aiormq channel: many messages marshalled into one write."""

from __future__ import annotations

import asyncio
from typing import Any

from aiormq.abc import ChannelFrame
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader


async def publish(channel: Any, queue: str, bodies: list[bytes]) -> None:
    """Marshals all into one write and awaits their confirms together. Raises where one is refused or returned."""
    frames: list[Any] = []
    confirms = []
    for body in bodies:
        channel.delivery_tag += 1
        message_id = str(channel.delivery_tag)  # a returned message finds its confirm by it
        confirm = channel.confirmations[channel.delivery_tag] = channel.create_future()
        channel.message_id_delivery_tag[message_id] = channel.delivery_tag
        confirms.append(confirm)
        properties = commands.Basic.Properties(delivery_mode=2, message_id=message_id)
        frames.append(commands.Basic.Publish(exchange="", routing_key=queue, mandatory=True))
        frames += [ContentHeader(properties=properties, body_size=len(body)), ContentBody(body)]
    first = channel.delivery_tag - len(bodies)
    await channel.connection.write_queue.put(ChannelFrame.marshall(channel_number=channel.number, frames=frames))
    await asyncio.gather(*confirms)
    for tag in range(first + 1, channel.delivery_tag + 1):
        channel.message_id_delivery_tag.pop(str(tag), None)
