"""Poison: messages that nobody can decide, put where real ones come from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from contracts.base import Message
from contracts.meeting import JoinMeeting
from contracts.topology import queue_named
from momo.broker.envelope import Envelope, seal
from momo.broker.failures import death
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.settings import Settings

QUEUE = queue_named("meeting.join.queue")


def poisoned(message: Message, **fields: object) -> Envelope:
    """`message` with some of its fields as another producer would have them."""
    body = {**msgspec.to_builtins(message), **fields}
    return replace(seal(message, message_id=fresh_id()), body=msgspec.json.encode(body), sender="service:spring-app")


def dead(number: int, error: str) -> Envelope:
    """A join as a worker leaves it in its dead-letter queue."""
    return replace(
        seal(JoinMeeting(meeting_id=number, member_id=1, nickname="kim"), message_id=fresh_id()),
        exchange="",
        routing_key=QUEUE.dead_letter_queue,
        attempt=3,
        headers=death(QUEUE, "failed", ValueError(error)),
    )


async def plant(settings: Settings, envelopes: Sequence[Envelope]) -> None:
    """Publishes them, confirmed."""
    publisher = Publisher(settings.amqp_url, name="momo-tests")
    try:
        for start in range(0, len(envelopes), 500):
            await publisher.publish(envelopes[start : start + 500])
    finally:
        await publisher.stop()
