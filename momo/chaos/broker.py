"""What the broker holds: messages in queues or with consumers, and dead letters."""

from __future__ import annotations

import msgspec
from pamqp.commands import Basic

from contracts.topology import DELAYS_MS, QUEUES
from momo.broker.address import connect
from momo.broker.failures import REASON, delay_exchange
from momo.broker.management import queues, vhost_of


class Dead(msgspec.Struct, frozen=True):
    """A message in a dead-letter queue."""

    queue: str
    message_id: str
    reason: str


async def busy_queues(amqp_url: str, management_url: str) -> list[str]:
    """Every queue that is not there or has messages, a line each; dead letters may stay. Raises as `ask`."""
    there = {queue["name"]: queue for queue in await queues(management_url, vhost_of(amqp_url))}
    lines = []
    for name in (*(queue.name for queue in QUEUES), *map(delay_exchange, DELAYS_MS)):
        if name not in there:
            lines.append(f"{name} is missing")
        elif count := there[name].get("messages", 0):
            lines.append(
                f"{name} has {count} messages, {there[name].get('messages_ready', 0)} of them with no consumer"
            )
    return lines


async def dead_letters(amqp_url: str) -> list[Dead]:
    """Every message in a dead-letter queue; they stay there."""
    found: list[Dead] = []
    connection = await connect(amqp_url)
    try:
        for queue in QUEUES:
            channel = await connection.channel()
            while isinstance((got := await channel.basic_get(queue.dead_letter_queue)).delivery, Basic.GetOk):
                properties = got.header.properties
                headers = properties.headers or {}
                reason = str(headers.get(REASON) or headers.get("x-first-death-reason") or "unknown")
                found.append(Dead(queue.dead_letter_queue, str(properties.message_id or ""), reason))
            await channel.close()  # what was got and not acknowledged goes back
    finally:
        await connection.close()
    return found
