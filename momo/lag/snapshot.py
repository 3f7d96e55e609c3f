"""A snapshot: how deep and how old everything was at one look. Ages and delays are in seconds, rates per second."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["work", "delay", "dead"]


class Sight(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a snapshot; keys are camelCase on the wire."""


class QueueLag(Sight, frozen=True, kw_only=True):
    """A queue. `messages` are those that wait, not what a consumer holds; `oldest_age_s` is how long the oldest of them
    has waited here. Rates are of the last seconds: what came, and what was taken out."""

    name: str
    kind: Kind
    messages: int
    oldest_age_s: float
    consumers: int
    published_rate: float
    handled_rate: float


class OutboxLag(Sight, frozen=True, kw_only=True):
    """A service's outbox: entries, each a flush's messages; those that are being published just now are among them."""

    service: str
    entries: int
    oldest_age_s: float


class TimersLag(Sight, frozen=True, kw_only=True):
    """A service's timers: all, how many are due, and how late the oldest of those is (0 if none is)."""

    service: str
    timers: int
    overdue: int
    overdue_s: float


class SagaLag(Sight, frozen=True, kw_only=True):
    """Sagas in an unfinished state. The age of the oldest counts from when its state began."""

    saga: str
    state: str
    count: int
    oldest_age_s: float


class Snapshot(Sight, frozen=True, kw_only=True):
    """One look, at the Unix time `at`. What could not be asked is missing here and named in `unknown`: `broker`,
    `redis` (ages may be too small, and rates), `database:<service>`, or a queue that is not declared."""

    at: float
    queues: tuple[QueueLag, ...] = ()
    outboxes: tuple[OutboxLag, ...] = ()
    timers: tuple[TimersLag, ...] = ()
    sagas: tuple[SagaLag, ...] = ()
    unknown: tuple[str, ...] = ()
