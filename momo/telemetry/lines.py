"""The lines about messages: what was sent where, and how each was handled; written a flush or publish at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec import UNSET, UnsetType

from contracts.outcome import Outcome
from contracts.topology import Queue
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.failures import ERROR
from momo.broker.identity import text_of_id
from momo.lag.destinations import destinations
from momo.telemetry.logs import Lines

LOGGER = "momo.messages"
PERSONAL = frozenset({"email"})
"""Actors whose keys are nobody's business in a log."""
TRACEPARENT_LENGTH = 55
MOST_ERROR = 500
"""Characters of an error's text."""

log = logging.getLogger(LOGGER)


class Line(msgspec.Struct, kw_only=True, rename="camel", gc=False):
    """What every line begins with."""

    timestamp: str
    level: str = "info"
    logger: str = LOGGER
    event: str
    queue: str
    message_id: str
    correlation_id: str
    causation_id: str
    trace_id: str | UnsetType = UNSET


class Sent(Line, kw_only=True, gc=False):
    """A message that the broker has taken; `queue` names every queue that it is in."""

    event: str = "message sent to queue"


class Unread(Line, kw_only=True, gc=False):
    """A message that is no message of its queue."""

    event: str = "message not handled"
    outcome: str = "dead"
    reason: str
    error: str


class Handled(Line, kw_only=True, gc=False):
    """One attempt at a message. `waiting_ms`: from when it was published or due until it was taken; `processing_ms`:
    from then until it was committed or called."""

    event: str = "message handled"
    actor: str | UnsetType = UNSET
    attempt: int
    outcome: str
    refusal: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    next_ms: int | UnsetType = UNSET
    waiting_ms: int
    processing_ms: float


lines: Lines | None = None
"""Where to; None until the process has said so."""


def sent(envelopes: Sequence[Envelope]) -> None:
    """The broker has taken `envelopes`."""
    if lines is None or not log.isEnabledFor(logging.INFO):
        return
    now = _now()
    lines.write(
        [
            Sent(
                timestamp=now,
                queue=_queues(envelope.exchange, envelope.routing_key),
                message_id=envelope.message_id,
                correlation_id=envelope.correlation_id,
                causation_id=envelope.causation_id,
                trace_id=_trace_id(envelope.traceparent),
            )
            for envelope in envelopes
        ]
    )


def handled(queue: str, outcomes: Sequence[tuple[Delivery, Outcome]], waits: Sequence[int], processing: float) -> None:
    """Messages of `queue` have ended so; they waited for so many ms, and were committed or called after `processing`
    seconds."""
    if lines is None or not log.isEnabledFor(logging.INFO):
        return
    now, processing_ms = _now(), _ms(processing)
    lines.write(
        [
            Handled(
                timestamp=now,
                queue=queue,
                message_id=text_of_id(delivery.message_id),
                correlation_id=delivery.correlation_id,
                causation_id=delivery.causation_id,
                trace_id=_trace_id(delivery.traceparent),
                actor=_actor(delivery),
                attempt=delivery.attempt,
                outcome=outcome.state,
                refusal=UNSET if outcome.problem is None else outcome.problem.type,
                waiting_ms=wait,
                processing_ms=processing_ms,
            )
            for (delivery, outcome), wait in zip(outcomes, waits, strict=True)
        ]
    )


def failed(delivery: Delivery, error: BaseException | None, outcome: str, next_ms: int | None = None) -> None:
    """An attempt came to nothing: `retried` in `next_ms`, `dead`, or `postponed` through no fault of its own."""
    level = {"dead": "error", "retried": "warning"}.get(outcome, "info")
    if lines is None or not log.isEnabledFor(logging.getLevelNamesMapping()[level.upper()]):
        return
    line = Handled(
        timestamp=_now(),
        level=level,
        event="message not handled",
        queue=delivery.queue.name,
        message_id=text_of_id(delivery.message_id),
        correlation_id=delivery.correlation_id,
        causation_id=delivery.causation_id,
        trace_id=_trace_id(delivery.traceparent),
        actor=_actor(delivery),
        attempt=delivery.attempt,
        outcome=outcome,
        error=UNSET if error is None else f"{type(error).__name__}: {error}"[:MOST_ERROR],
        next_ms=UNSET if next_ms is None else next_ms,
        waiting_ms=max(0, int(delivery.taken * 1000) - delivery.due_ms),
        processing_ms=_ms(time.time() - delivery.taken),
    )
    lines.write([line])


def unread(queue: Queue, reason: str, letter: Envelope) -> None:
    """A message of `queue` could not be read, and is dead for `reason`."""
    if lines is None or not log.isEnabledFor(logging.ERROR):
        return
    line = Unread(
        timestamp=_now(),
        level="error",
        queue=queue.name,
        message_id=letter.message_id,
        correlation_id=letter.correlation_id,
        causation_id=letter.causation_id,
        trace_id=_trace_id(letter.traceparent),
        reason=reason,
        error=letter.headers.get(ERROR, "")[:MOST_ERROR],
    )
    lines.write([line])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _ms(seconds: float) -> float:
    return int(seconds * 10_000) / 10


def _trace_id(traceparent: str) -> str | UnsetType:
    return traceparent[3:35] if len(traceparent) == TRACEPARENT_LENGTH else UNSET


def _actor(delivery: Delivery) -> str | UnsetType:
    if delivery.actor is None:
        return UNSET
    field, value = delivery.actor
    return UNSET if field in PERSONAL else f"{field}:{value}"


@lru_cache(maxsize=1024)
def _queues(exchange: str, routing_key: str) -> str:
    # who waits on the delay ladder is in its queue first; a dead letter's routing key is its queue
    return ", ".join([name for name, later in destinations(exchange, routing_key) if not later]) or routing_key
