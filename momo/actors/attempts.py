"""Attempts: what the inbox does not keep of a message and its story needs; rows without which nothing goes wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Literal

from contracts.topology import Queue
from momo.actors.inbox import MOST_ATTEMPT
from momo.broker.delivery import KEPT, Delivery, named
from momo.broker.envelope import Envelope
from momo.broker.failures import ERROR, REASON, is_final
from momo.broker.identity import id_of_text
from momo.store.literal import tuples

MOST_ERROR = 500
"""Characters of an error's text."""

Row = tuple[Any, ...]


def done(delivery: Delivery, taken: datetime, sent: str | None) -> Row:
    """A call to the world, which no inbox knows."""
    return _row(delivery, taken, "done", "", sent)


def failed(delivery: Delivery, taken: datetime, error: BaseException) -> Row:
    """An attempt that raised: `dead` where it was the last."""
    state: Literal["dead", "failed"] = "dead" if is_final(delivery, error) else "failed"
    return _row(delivery, taken, state, f"{type(error).__name__}: {error}", None)


def buried(queue: Queue, letter: Envelope) -> Row:
    """A message of `queue` that can't be decoded, as it goes to the dead-letter queue."""
    now = datetime.now(UTC)
    error = f"{letter.headers.get(REASON, '')}: {letter.headers.get(ERROR, '')}"
    return (
        named(queue, letter.message_id),
        now,
        now,
        letter.attempt,
        queue.name,
        "dead",
        _kept(error),
        letter.sender[:KEPT],
        letter.correlation_id[:KEPT],
        letter.causation_id[:KEPT],
        letter.first_published_ms,
        None,
    )


def fired(envelope: Envelope, due: datetime) -> Row:
    """A timer that was due and whose message is published now: until that is handled nothing else knows of it."""
    return (
        id_of_text(envelope.message_id),
        due,
        datetime.now(UTC),
        0,
        "",
        "fired",
        "",
        envelope.sender,
        envelope.correlation_id,
        envelope.causation_id,
        envelope.first_published_ms,
        None,
    )


def write(rows: Iterable[Row]) -> str:
    """Adds rows; one that is there already (of a write whose answer never came) stays as it is."""
    ordered = sorted(rows, key=itemgetter(0, 1))
    return (
        "INSERT INTO attempts (message_id,taken_at,ended_at,attempt,queue,state,error,sender,correlation_id,"
        "causation_id,published_ms,sent) VALUES " + tuples(ordered) + " ON DUPLICATE KEY UPDATE attempt=VALUES(attempt)"
    )


def _row(delivery: Delivery, taken: datetime, state: str, error: str, sent: str | None) -> Row:
    return (
        delivery.message_id,
        taken,
        datetime.now(UTC),
        min(delivery.attempt, MOST_ATTEMPT),
        delivery.queue.name,
        state,
        _kept(error),
        delivery.sender,
        delivery.correlation_id,
        delivery.causation_id,
        delivery.first_published_ms,
        sent,
    )


def _kept(error: str) -> str:
    # half of a surrogate pair can't be written, and whatever an error says must not fail its neighbours in a flush
    return error[:MOST_ERROR].encode(errors="replace").decode()
