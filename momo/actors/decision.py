"""The vocabulary of decisions: what a handler is told, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from contracts.base import Message
from contracts.outcome import Problem
from momo.actors.record import Record


class NotYet(Exception):
    """Raised by a decision that another message, still on its way, must come before: the message is tried again."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may know besides its message and state: it has no clock, no randomness and no I/O of its own."""

    now: datetime
    """When the flush began (aware, UTC)."""
    next_id: Callable[[], int]
    """A fresh id for a new record, unique in its service, below 2^53."""
    last_try: bool = False
    """Whether raising now would make the message a dead letter."""
    sender: str = ""
    """Who asks: `member:17`, `anonymous`, or the service that sent the message."""


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """Sends `message` at `due`. Setting a timer again under the same `key` (unique in its service) moves it."""

    key: str
    due: datetime
    message: Message


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The change is made. `result` (a Struct, or None) is answered with HTTP `status`."""

    result: msgspec.Struct | None = None
    status: int = 200


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A business rule says no: committed, answered, never retried."""

    problem: Problem


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """All that one message changes; committed together with its inbox entry, or not at all."""

    outcome: Accepted | Refused
    saves: tuple[Record, ...] = ()
    drops: tuple[Record, ...] = ()
    sends: tuple[Message, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancels: tuple[str, ...] = ()
    """Keys of timers that are no longer needed."""


def accept(
    result: msgspec.Struct | None = None,
    *,
    status: int | None = None,
    saves: Iterable[Record] = (),
    drops: Iterable[Record] = (),
    sends: Iterable[Message] = (),
    timers: Iterable[Timer] = (),
    cancels: Iterable[str] = (),
) -> Decision:
    """A Decision that makes the change. `status` is 200 with a result and 204 without, unless given (201: created)."""
    return Decision(
        outcome=Accepted(result=result, status=status or (204 if result is None else 200)),
        saves=tuple(saves),
        drops=tuple(drops),
        sends=tuple(sends),
        timers=tuple(timers),
        cancels=tuple(cancels),
    )


def refuse(kind: str, title: str, *, status: int = 409, detail: str = "") -> Decision:
    """A Decision that changes nothing and says why: `kind` is the problem's stable type, `detail` what to do."""
    return Decision(outcome=Refused(problem=Problem(type=kind, title=title, status=status, detail=detail)))


class Decide(Protocol):
    """A decision: pure, total over its inputs, and quick. `state` is what its annotation's Keys and Rows found."""

    def __call__(self, command: Any, state: Any, context: Context) -> Decision: ...
