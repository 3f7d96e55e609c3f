"""The envelope: a message with the AMQP properties and headers that MOMO gives it."""

from __future__ import annotations

import time

import msgspec

from contracts.base import Message
from contracts.topology import ACTORS, KEYS, exchange_of

CAUSATION = "x-causation-id"
ATTEMPT = "x-attempt"
FIRST_PUBLISHED = "x-first-published-ms"
DUE = "x-due-ms"
SENDER = "x-sender"
FINGERPRINT = "x-fingerprint"
TRACEPARENT = "traceparent"
ACTOR = "x-actor"
"""Of messages of a queue with partitions: whom it is for. The broker chooses the partition by it."""
VERSION = "x-contract-version"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A message ready to be published; kept as msgpack in the outbox and in timers.

    `type` is the contract's routing key, also after the message has moved to a delay or dead-letter queue.
    `first_published_ms` (Unix time, ms) stays through retries and replays: lag is measured from it.
    `headers` holds what else travels, such as why a message is dead. `version` is the contract's `wire_version`; it is
    written only from the second on. New fields go to the end: older code kept envelopes that end before them.
    """

    exchange: str
    routing_key: str
    body: bytes
    type: str
    message_id: str
    correlation_id: str
    causation_id: str = ""
    sender: str = ""
    fingerprint: str = ""
    reply_to: str = ""
    attempt: int = 1
    first_published_ms: int
    traceparent: str = ""
    app_id: str = "momo"
    headers: dict[str, str] = {}
    version: int = 1


_encode = msgspec.json.Encoder().encode


def seal(
    message: Message,
    *,
    message_id: str,
    correlation_id: str = "",
    causation_id: str = "",
    sender: str = "",
    fingerprint: str = "",
    reply_to: str = "",
    traceparent: str = "",
    app_id: str = "momo",
) -> Envelope:
    """`message` for the exchange and key that the topology gives its contract. Correlates with itself unless told."""
    key = KEYS[type(message)]
    by = ACTORS.get(type(message))
    return Envelope(
        exchange=exchange_of(key),
        routing_key=key,
        body=_encode(message),
        type=key,
        message_id=message_id,
        correlation_id=correlation_id or message_id,
        causation_id=causation_id,
        sender=sender,
        fingerprint=fingerprint,
        reply_to=reply_to,
        first_published_ms=time.time_ns() // 1_000_000,
        traceparent=traceparent,
        app_id=app_id,
        headers={ACTOR: str(getattr(message, by))} if by else {},
        version=type(message).wire_version,
    )
