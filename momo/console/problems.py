"""What is wrong just now, told from one look: the worst first, each with the place where it is mended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import msgspec

from momo.lag.snapshot import QueueLag, Snapshot
from momo.pauses import Paused

LATE_SECONDS = 10.0
"""A message that waits longer is noticed by whoever sent it."""
OVERDUE_SECONDS = 30.0
"""Relays look for due timers about once a second."""
LEFT_SECONDS = 10.0
"""An outbox is emptied right after each flush; what lies longer was left behind."""
STUCK_SECONDS = {
    "held": 11 * 60,
    "PENDING": 31 * 60,
    "CONFIRMING": 120,
}
"""How long a saga may be in a state: a hold ends after 10 minutes, an offer after 30. Waiting has no end of its own."""

Severity = Literal["critical", "warning", "notice"]
_RANK = {"critical": 0, "warning": 1, "notice": 2}


class Trouble(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`place` is where in the console it is looked into."""

    severity: Severity
    subject: str
    text: str
    place: str


def problems(snapshot: Snapshot, paused: Iterable[Paused] | None) -> list[Trouble]:
    """`paused` is None where Redis can't be asked."""
    stopped = {one.queue: one for one in paused or ()}
    found = [
        *_away(snapshot, paused is None),
        *(_pause(one) for one in stopped.values()),
        *(trouble for queue in snapshot.queues for trouble in _queue(queue, stopped)),
        *_databases(snapshot),
        *_sagas(snapshot),
    ]
    return sorted(found, key=lambda trouble: _RANK[trouble.severity])


def _away(snapshot: Snapshot, blind: bool) -> Iterator[Trouble]:
    for name in sorted({*snapshot.unknown, *(("redis",) if blind else ())}):
        what = name.removeprefix("database:")
        text = {
            "broker": "RabbitMQ does not answer: nothing is sent or taken; what is stored is safe",
            "redis": "Redis does not answer: waiting and live push degrade, and ages may look too small",
        }.get(name, f"the database of {what} does not answer" if what != name else f"{name} is not there")
        severity: Severity = "warning" if name == "redis" else "critical"
        yield Trouble(severity=severity, subject=name, text=text, place="#/")


def _pause(one: Paused) -> Trouble:
    return Trouble(
        severity="warning",
        subject=one.queue,
        text=f"is paused by {one.by}: {one.reason}",
        place=f"#/queues/{one.queue}",
    )


def _queue(queue: QueueLag, paused: Collection[str]) -> Iterator[Trouble]:
    place = f"#/queues/{queue.name}"
    if queue.kind == "dead":
        if queue.messages:
            letters = "1 dead letter" if queue.messages == 1 else f"{queue.messages:,} dead letters"
            yield Trouble(severity="warning", subject=queue.name, text=letters, place=f"#/dead?queue={queue.name}")
        return
    if queue.kind != "work" or queue.name in paused:
        return
    if not queue.consumers:
        waiting = f", {queue.messages:,} messages wait" if queue.messages else ""
        yield Trouble(severity="critical", subject=queue.name, text=f"has no consumer{waiting}", place=place)
    elif queue.messages and queue.oldest_age_s > LATE_SECONDS:
        text = f"is {queue.oldest_age_s:,.0f} s behind, {queue.messages:,} messages wait"
        yield Trouble(severity="critical", subject=queue.name, text=text, place=place)


def _databases(snapshot: Snapshot) -> Iterator[Trouble]:
    for outbox in snapshot.outboxes:
        if outbox.entries and outbox.oldest_age_s > LEFT_SECONDS:
            text = f"has not drained for {outbox.oldest_age_s:,.0f} s: is a relay of {outbox.service} running?"
            yield Trouble(severity="critical", subject=f"outbox of {outbox.service}", text=text, place="#/sagas")
    for timers in snapshot.timers:
        if timers.overdue and timers.overdue_s > OVERDUE_SECONDS:
            text = f"are up to {timers.overdue_s:,.0f} s late: is a relay of {timers.service} running?"
            yield Trouble(severity="critical", subject=f"timers of {timers.service}", text=text, place="#/sagas")


def _sagas(snapshot: Snapshot) -> Iterator[Trouble]:
    for saga in snapshot.sagas:
        longest = STUCK_SECONDS.get(saga.state)
        if longest and saga.count and saga.oldest_age_s > longest:
            yield Trouble(
                severity="warning",
                subject=f"{saga.saga} {saga.state}",
                text=f"the oldest is stuck for {saga.oldest_age_s / 60:,.0f} min",
                place=f"#/sagas/{saga.saga}/{saga.state}",
            )
