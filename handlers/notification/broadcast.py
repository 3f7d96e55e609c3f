"""`notification.broadcast.queue`: pushes a notice that is stored for many to their open sockets."""

from __future__ import annotations

from contracts.base import Message
from contracts.notification import BroadcastNotification
from momo.actors import World


async def run(command: BroadcastNotification, world: World) -> tuple[Message, ...]:
    await world.push.broadcast(command)
    return ()
