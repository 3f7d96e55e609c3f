"""A message's hop through a process, told in one place: its times as metrics, its line in the log, its span."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import msgspec

from contracts.outcome import Outcome
from contracts.topology import Queue
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.telemetry import lines, metrics, tracing
from momo.telemetry.distribution import Cells
from momo.telemetry.traceparent import sampled_trace

_CALLED = Outcome(state="done", status=204)


class Times(msgspec.Struct, frozen=True):
    """Where the times of one queue's messages are counted."""

    waiting: Cells
    processing: Cells
    critical: Cells
    attempts: Cells


def take(batch: Iterable[Delivery], now: float) -> None:
    """A flush or call takes `batch` at `now` (Unix time)."""
    for delivery in batch:
        delivery.taken = now


def begin(batch: Iterable[Delivery]) -> None:
    """Their handling begins, or begins anew."""
    if tracing.spans is not None:
        for delivery in batch:
            tracing.spans.handle(delivery)


def committed(outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
    """A flush is committed, with these outcomes of messages that all were taken at once."""
    now = time.time()
    by_queue: dict[Queue, list[tuple[Delivery, Outcome]]] = {}
    for pair in outcomes:
        by_queue.setdefault(pair[0].queue, []).append(pair)
    for queue, found in by_queue.items():
        taken = found[0][0].taken
        waits = [max(0, int(taken * 1000) - delivery.due_ms) for delivery, _ in found]
        _count(queue, [delivery for delivery, _ in found], waits, taken, now)
        lines.handled(queue.name, found, waits, now - taken)
    if tracing.spans is not None:
        for delivery, outcome in outcomes:
            if delivery.span is not None:
                delivery.span.end(outcome.state, outcome.problem.type if outcome.problem else "")


def called(delivery: Delivery) -> None:
    """A call has done what `delivery` asks for, and what it learned is published."""
    committed([(delivery, _CALLED)])
    published([delivery])


def published(batch: Iterable[Delivery], error: Exception | None = None) -> None:
    """What handling `batch` sends is confirmed, or left to the relay because of `error`."""
    if tracing.spans is not None:
        for delivery in batch:
            if delivery.span is not None:
                delivery.span.published(error)


def retried(delivery: Delivery, error: BaseException, wait_ms: int) -> None:
    """An attempt has failed; there will be another."""
    lines.failed(delivery, error, "retried", wait_ms)
    if delivery.span is not None:
        delivery.span.fail("retried", error)


def dead(delivery: Delivery, error: BaseException) -> None:
    """The last attempt has failed."""
    _times(delivery.queue.name).attempts.observe(delivery.attempt)
    lines.failed(delivery, error, "dead")
    if delivery.span is not None:
        delivery.span.fail("dead", error)


def postponed(delivery: Delivery) -> None:
    """It could not be handled now, through no fault of its own."""
    lines.failed(delivery, None, "postponed")
    if delivery.span is not None:
        delivery.span.end("postponed")


def unread(queue: Queue, reason: str, letter: Envelope) -> None:
    """A message of `queue` that can't be decoded is dead."""
    lines.unread(queue, reason, letter)


def _count(queue: Queue, found: Sequence[Delivery], waits: Sequence[int], taken: float, now: float) -> None:
    """`found` waited for so many ms, were taken at `taken` and ended at `now` (Unix times)."""
    times = _times(queue.name)
    now_ms = now * 1000
    times.waiting.observe_each([wait / 1000 for wait in waits])
    times.processing.observe(now - taken, len(found))
    times.critical.observe_each([(now_ms - delivery.first_published_ms) / 1000 for delivery in found])
    for attempt, count in Counter([delivery.attempt for delivery in found]).items():
        times.attempts.observe(attempt, count)
    for delivery, wait in zip(found, waits, strict=True):
        if delivery.traceparent and (trace := sampled_trace(delivery.traceparent)):
            times.waiting.exemplify(wait / 1000, trace)
            times.processing.exemplify(now - taken, trace)
            times.critical.exemplify((now_ms - delivery.first_published_ms) / 1000, trace)


@cache
def _times(queue: str) -> Times:
    return Times(
        metrics.WAITING_SECONDS.of(queue),
        metrics.PROCESSING_SECONDS.of(queue),
        metrics.CRITICAL_SECONDS.of(queue),
        metrics.ATTEMPTS.of(queue),
    )
