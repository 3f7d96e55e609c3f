"""Failed messages on their way out of a queue: through a delay back to it, or into its dead-letter queue."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from msgspec.structs import replace

from contracts.topology import Queue
from momo.broker.delivery import Delivery, number_of, text_of, version_of
from momo.broker.envelope import ATTEMPT, CAUSATION, DUE, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, Envelope
from momo.broker.identity import fresh_id, text_of_id
from momo.broker.incoming import Incoming

REASON = "x-death-reason"
ERROR = "x-death-error"
ORIGIN = "x-origin-queue"
DIED = "x-death-at"

FOREVER = 253_402_300_799
"""The last second of the year 9999: a producer may give any 64 bits as its timestamp."""


NEWER_MS = 15_000
"""The rung of the delay ladder on which a message waits that is newer than the process it was given to."""


class HeldBack(Exception):
    """Why a message is not decided that is in order: another one of its actor is a dead letter in its queue."""

    def __init__(self, holder: bytes) -> None:
        super().__init__(f"behind {text_of_id(holder)}")


def is_final(delivery: Delivery, error: BaseException) -> bool:
    """Whether `error` makes a dead letter of `delivery`: it was its last attempt, or another holds it back."""
    return delivery.attempt >= delivery.queue.attempts or isinstance(error, HeldBack)


def delay_exchange(milliseconds: int) -> str:
    return f"momo.delay.{milliseconds}"


def delayed(delivery: Delivery, milliseconds: int) -> Envelope:
    """`delivery` for its next attempt: with the queue's name as routing key it comes back to that queue only."""
    return _again(
        delivery,
        exchange=delay_exchange(milliseconds),
        routing_key=delivery.queue.name,
        attempt=delivery.attempt + 1,
        headers={DUE: str(time.time_ns() // 1_000_000 + milliseconds)},
    )


def dead(delivery: Delivery, reason: str, error: BaseException) -> Envelope:
    """`delivery` for its dead-letter queue, saying why."""
    return _again(
        delivery,
        exchange=delivery.queue.dead_letter_exchange,
        routing_key=delivery.queue.dead_letter_queue,
        attempt=delivery.attempt,
        headers=death(delivery.queue, reason, error),
    )


def death(queue: Queue, reason: str, error: BaseException) -> dict[str, str]:
    """The headers that a dead letter carries: reason (a word), error (a text), where it came from, and when it died."""
    return {
        REASON: reason,
        ERROR: f"{type(error).__name__}: {error}"[:2_000],
        ORIGIN: queue.name,
        DIED: datetime.now(UTC).isoformat(),
    }


def _again(
    delivery: Delivery, *, exchange: str, routing_key: str, attempt: int, headers: dict[str, str] | None = None
) -> Envelope:
    return Envelope(
        exchange=exchange,
        routing_key=routing_key,
        body=delivery.body,
        type=delivery.queue.key,
        message_id=text_of_id(delivery.message_id),
        correlation_id=delivery.correlation_id,
        causation_id=delivery.causation_id,
        sender=delivery.sender,
        fingerprint=delivery.fingerprint,
        reply_to=delivery.reply_to,
        attempt=attempt,
        first_published_ms=delivery.first_published_ms,
        traceparent=delivery.traceparent,
        headers=headers or {},
        version=delivery.version,
    )


def undecoded(queue: Queue, message: Incoming, reason: str, error: Exception) -> Envelope:
    """The dead letter of a message that can't be decoded: its body and what can be told of its properties."""
    return replace(
        _unread(queue, message, message.message_id or fresh_id()),
        exchange=queue.dead_letter_exchange,
        routing_key=queue.dead_letter_queue,
        headers={**_foreign(message), **death(queue, reason, error)},
    )


def waiting(queue: Queue, message: Incoming) -> Envelope:
    """A message that is newer than this process, for the delay ladder: another may get it when it comes back."""
    again = _unread(queue, message, message.message_id)
    return replace(
        again,
        exchange=delay_exchange(NEWER_MS),
        routing_key=queue.name,
        correlation_id=message.correlation_id,
        attempt=number_of(message.headers, ATTEMPT) or 1,
        first_published_ms=number_of(message.headers, FIRST_PUBLISHED) or again.first_published_ms,
        headers={**_foreign(message), DUE: str(time.time_ns() // 1_000_000 + NEWER_MS)},
    )


def _unread(queue: Queue, message: Incoming, message_id: str) -> Envelope:
    """What can be told of a message that is not decoded, for nowhere yet."""
    return Envelope(
        exchange="",
        routing_key="",
        body=message.body,
        type=message.type or queue.key,
        message_id=message_id,
        correlation_id=message.correlation_id or message_id,
        causation_id=text_of(message.headers, CAUSATION),
        sender=text_of(message.headers, SENDER),
        fingerprint=text_of(message.headers, FINGERPRINT),
        reply_to=message.reply_to,
        first_published_ms=min(max(message.timestamp, 0), FOREVER) * 1000,
        traceparent=text_of(message.headers, TRACEPARENT),
        version=version_of(message.headers),
    )


def _foreign(message: Incoming) -> dict[str, str]:
    """Another producer's headers; ours have their places in the envelope."""
    return {
        name: str(value) for name, value in message.headers.items() if not name.startswith("x-") and name != TRACEPARENT
    }
