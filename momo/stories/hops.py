"""A story as data: every hop of one request in causal order, as the command prints it and the console draws it."""

from __future__ import annotations

from typing import Literal

import msgspec

from contracts.moment import Moment

HopState = Literal["done", "refused", "failed", "retrying", "pending", "waiting", "cancelled"]
"""`failed`: it lies in the dead-letter queue, unless an act says that it was dropped. `retrying`: an attempt failed and
the next is on its way. `pending`: not handled yet. `waiting`: a timer that is not due. `cancelled`: a timer that was
taken back, or moved by another message, before it was due."""

StoryState = Literal["done", "failed", "pending", "waiting"]
"""`failed` where any hop is, else `pending` where any is on its way, else `waiting` where only timers are to come."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One try at a message: from when it was taken into a flush or call until that was committed, or failed.

    `waiting_ms` counts from when the message was published, of a later attempt from when the one before had failed.
    """

    attempt: int
    state: Literal["done", "refused", "failed"]
    taken_at: Moment
    ended_at: Moment
    waiting_ms: float
    working_ms: float
    error: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an operator did to the hop's dead letter: edit, replay or drop."""

    act: str
    operator: str
    at: Moment
    reason: str = ""


class Hop(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message in one queue; an event has a hop for each queue that subscribes to it.

    `parent` is the place in the story's hops of the one that sent it, None at a root, and `depth` its distance from
    there. `sender` is who sent it: a member, a service. Times are UTC and None where nobody has written them down;
    `waiting_ms` and `working_ms` are sums over all attempts, up to now where a hop has not ended. `where` says where a
    message must be that is not done: a queue, an outbox, the delay ladder, a dead-letter queue, the timers. `detail`
    says why it was refused or failed.
    """

    message_id: str
    parent: int | None
    depth: int
    key: str
    queue: str
    service: str
    kind: Literal["decision", "effect"]
    sender: str = ""
    state: HopState
    attempt: int
    published_at: Moment | None
    taken_at: Moment | None = None
    ended_at: Moment | None = None
    due_at: Moment | None = None
    waiting_ms: float | None = None
    working_ms: float | None = None
    timer: str = ""
    where: str = ""
    detail: str = ""
    attempts: tuple[Attempt, ...] = ()
    acts: tuple[Act, ...] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All hops of `correlation_id`, parents before their children, the earliest first.

    `began_at` is when its first message was published, `ended_at` when its last hop ended. `away` names what could not
    be read, whose hops may be missing or look pending; `cut` says that there are more hops than were read.
    """

    correlation_id: str
    state: StoryState
    read_at: Moment
    began_at: Moment
    ended_at: Moment | None
    hops: tuple[Hop, ...]
    away: tuple[str, ...] = ()
    cut: bool = False
