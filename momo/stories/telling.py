"""Telling a story: each node of its tree as a hop, with where it stands now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from momo.broker.identity import text_of_id
from momo.stories.hops import Act, Attempt, Hop, HopState, Story, StoryState
from momo.stories.tree import Node, walked


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages are that nobody has handled yet, by their ids: when the timers that send them are due, which are
    still in an outbox, and what the broker itself has made dead letters, with why. `acts` are what operators did."""

    now: datetime
    due: Mapping[bytes, datetime] = {}
    unpublished: Collection[bytes] = ()
    dead: Mapping[tuple[bytes, str], str] = {}
    acts: Mapping[tuple[str, str], tuple[Act, ...]] = {}


def told(
    correlation_id: str, roots: Sequence[Node], standing: Standing, *, away: Iterable[str] = (), cut: bool = False
) -> Story:
    """The story of a tree."""
    places: dict[int, int] = {}
    hops: list[Hop] = []
    for place, (node, depth) in enumerate(walked(roots)):
        places[id(node)] = place
        parent = places.get(id(node.parent)) if node.parent else None
        hops.append(_hop(node, parent, depth, standing))
    ends = [hop.ended_at for hop in hops if hop.ended_at]
    return Story(
        correlation_id=correlation_id,
        state=_state_of(hops),
        read_at=standing.now,
        began_at=min((node.began for node in roots if node.began), default=standing.now),
        ended_at=max(ends, default=None),
        hops=tuple(hops),
        away=tuple(away),
        cut=cut,
    )


def _state_of(hops: Iterable[Hop]) -> StoryState:
    states = {"pending" if hop.state == "retrying" else hop.state for hop in hops}
    for state in ("failed", "pending", "waiting"):
        if state in states:
            return state
    return "done"


def _hop(node: Node, parent: int | None, depth: int, standing: Standing) -> Hop:
    declared = node.declared
    name = text_of_id(node.message_id)
    state, where, detail = _stands(node, standing)
    attempts = _attempts(node)
    published = node.tries[0].published_at if node.tries else _published(node, state)
    taken = attempts[0].taken_at if attempts else None
    ended = attempts[-1].ended_at if attempts and state in ("done", "refused", "failed") else None
    return Hop(
        message_id=name,
        parent=parent,
        depth=depth,
        key=declared.key if declared else node.queue.removesuffix(".queue"),
        queue=node.queue,
        service=declared.service if declared else node.tries[0].service,
        kind=declared.kind if declared else "decision",
        sender=node.sender,
        state=state,
        attempt=node.tries[-1].attempt + (state == "retrying") if node.tries else 1,
        published_at=published,
        taken_at=taken,
        ended_at=ended,
        due_at=standing.due.get(node.message_id) or (node.fired[0] if node.fired else None),
        waiting_ms=_waiting(attempts, published, state, standing.now),
        working_ms=round(sum(attempt.working_ms for attempt in attempts), 3) if attempts else None,
        timer=node.timer,
        where=where,
        detail=detail,
        attempts=attempts,
        acts=standing.acts.get((node.queue, name), ()),
    )


def _stands(node: Node, standing: Standing) -> tuple[HopState, str, str]:
    """State, where the message must be, and why."""
    last = node.tries[-1] if node.tries else None
    if last is not None and last.state in ("done", "refused"):
        return last.state, "", last.detail
    grave = node.declared.dead_letter_queue if node.declared else ""
    if last is not None and last.state == "dead":
        return "failed", grave, last.detail
    if (why := standing.dead.get((node.message_id, node.queue))) is not None:
        return "failed", grave, why
    if last is not None:
        return "retrying", f"the delay ladder, then {node.queue}", last.detail
    return *_coming(node, standing), ""


def _coming(node: Node, standing: Standing) -> tuple[HopState, str]:
    """State of a message that nobody has tried yet, and where it must be."""
    if node.message_id in standing.due:
        return "waiting", "timers"
    if node.timer and not node.fired:
        return "cancelled", ""
    return "pending", f"outbox of {node.sender}" if node.message_id in standing.unpublished else node.queue


def _attempts(node: Node) -> tuple[Attempt, ...]:
    found: list[Attempt] = []
    before = node.tries[0].published_at if node.tries else None
    for record in node.tries:
        state: Literal["done", "refused", "failed"] = record.state if record.state in ("done", "refused") else "failed"
        found.append(
            Attempt(
                attempt=record.attempt,
                state=state,
                taken_at=record.taken_at,
                ended_at=record.ended_at,
                waiting_ms=_span(before, record.taken_at),
                working_ms=_span(record.taken_at, record.ended_at),
                error=record.detail if state == "failed" else "",
            )
        )
        before = record.ended_at
    return tuple(found)


def _published(node: Node, state: HopState) -> datetime | None:
    """When a message that nobody has handled yet was sent: with the commit of what sent it, or by its timer."""
    return None if state in ("waiting", "cancelled") else node.since


def _waiting(attempts: Sequence[Attempt], published: datetime | None, state: HopState, now: datetime) -> float | None:
    waited = sum(attempt.waiting_ms for attempt in attempts)
    if state in ("pending", "retrying"):
        return round(waited + _span(attempts[-1].ended_at if attempts else published, now), 3)
    return round(waited, 3) if attempts else None


def _span(begin: datetime | None, end: datetime) -> float:
    """Milliseconds, never less than 0: the two may be of different clocks."""
    return max(0.0, round((end - begin).total_seconds() * 1_000, 3)) if begin else 0.0
