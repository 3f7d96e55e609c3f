"""The outbox: what a flush sends is kept in its transaction until the broker has confirmed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from contracts.base import Message
from momo.actors.decision import Timer
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import derived_id, text_of_id
from momo.store.literal import literal, tuples

LEASE = timedelta(seconds=10)
"""How long the process that wrote an entry has to publish it before the relay does."""

MOST_BYTES = 2_000_000
"""Of messages in a row: as a literal it is twice as long, and 16 MB is the least that a server takes by default."""

OVERHEAD = 400
"""Bytes of an envelope beside its body, generously."""

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(list[Envelope]).decode
unpack_one = msgspec.msgpack.Decoder(Envelope).decode


def sent_by(cause: Delivery, messages: Sequence[Message]) -> list[Envelope]:
    """The envelopes of what handling `cause` sends: derived ids, so that a second publish is absorbed."""
    return [_sealed(cause, message, str(i)) for i, message in enumerate(messages)]


def timed_by(cause: Delivery, timer: Timer) -> Envelope:
    """The envelope that a timer set by `cause` will send."""
    return _sealed(cause, timer.message, timer.key)


def _sealed(cause: Delivery, message: Message, name: str) -> Envelope:
    # an event is handled by several queues: what each of them sends is another message
    message_id = derived_id(cause.message_id, f"{cause.queue.name}/{name}")
    return seal(
        message,
        message_id=message_id,
        correlation_id=cause.correlation_id,
        causation_id=text_of_id(cause.message_id),
        sender=cause.queue.service,
        traceparent=cause.span.sends(message, message_id) if cause.span else cause.traceparent,
        app_id=f"momo-{cause.queue.service}",
    )


def parts(envelopes: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
    """What goes into one row each: a whole flush, unless it would make a statement that the database does not take."""
    start = size = 0
    for position, envelope in enumerate(envelopes):
        size += len(envelope.body) + OVERHEAD
        if size > MOST_BYTES and position > start:
            yield envelopes[start:position]
            start, size = position, len(envelope.body) + OVERHEAD
    if envelopes:
        yield envelopes[start:]


def write(outbox_id: bytes, envelopes: Sequence[Envelope], now: datetime) -> str:
    """One row."""
    return (
        "INSERT INTO outbox (outbox_id,created_at,lease_until,messages) VALUES"
        f" ({literal(outbox_id)},{literal(now)},{lease_end()},{literal(pack(envelopes))})"
    )


def lease_end() -> str:
    """SQL for when a lease taken now ends. By the database's clock: that of a process may be wrong, and its entries
    must not wait for it when the process has died."""
    return f"UTC_TIMESTAMP(6) + INTERVAL {LEASE.total_seconds()} SECOND"


def delete(outbox_ids: Sequence[bytes]) -> str:
    return f"DELETE FROM outbox WHERE outbox_id IN ({','.join(map(literal, outbox_ids))})"


def schedule(timers: Sequence[tuple[Delivery, Timer]]) -> str:
    """Sets timers; one that is set already under the same key is moved."""
    rows = [(timer.key, timer.due, pack(timed_by(cause, timer))) for cause, timer in timers]
    return (
        "INSERT INTO scheduled (timer_key,due_at,message) VALUES "
        + tuples(sorted(rows))
        + " ON DUPLICATE KEY UPDATE due_at=VALUES(due_at),lease_until='1970-01-01',message=VALUES(message)"
    )


def unschedule(keys: Sequence[str]) -> str:
    return f"DELETE FROM scheduled WHERE timer_key IN ({','.join(map(literal, sorted(keys)))})"
