"""`notification.send.queue`: pushes a stored notice to the member's open sockets."""

from __future__ import annotations

from contracts.base import Message
from contracts.notification import SendNotification
from momo.actors import World


async def run(command: SendNotification, world: World) -> tuple[Message, ...]:
    await world.push.send(command)
    return ()
