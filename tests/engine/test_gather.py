"""Gathering: each batch keeps an actor's messages in order, and a message with a query is its actor's first."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from contracts.notification import AnnounceNotification
from contracts.topology import queue_named
from momo.actors.lane import Lane
from momo.broker.delivery import Delivery
from tests.engine.counter import ADD, UNDO, add, counters, undo
from tests.engine.letters import delivery
from workers.notification import service as notification

ANNOUNCE = queue_named("notification.announce.queue")


def lane(batch: int) -> Lane:
    """A lane that is never run: it only gathers."""
    nothing: dict[str, object] = dict.fromkeys(("publisher", "replies", "exits", "guard"))
    return Lane("test", "", counters().handlers, batch=batch, **nothing)  # type: ignore[arg-type]


def batches(waiting: list[Delivery], batch: int) -> list[list[Delivery]]:
    """All that waits, as the flushes would take it."""
    under_test = lane(batch)
    for message in waiting:
        under_test.put(message)
    gathered = []
    while under_test._waiting:
        gathered.append(under_test._gather())
        assert len(gathered) <= len(waiting), "a batch was empty"
    return gathered


def actor(message: Delivery) -> int:
    return int(message.command.meeting_id)  # type: ignore[attr-defined]


@given(
    waiting=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40),
    batch=st.integers(1, 10),
)
def test_order_is_kept_and_queries_come_first(waiting: list[tuple[int, bool]], batch: int) -> None:
    put = [delivery(UNDO, undo(n)) if query else delivery(ADD, add(n)) for n, query in waiting]
    gathered = batches(put, batch)

    assert all(0 < len(taken) <= batch for taken in gathered)
    by_actor: dict[int, list[Delivery]] = defaultdict(list)
    for taken in gathered:
        seen: set[int] = set()
        for message in taken:
            by_actor[actor(message)].append(message)
            assert message.queue is ADD or actor(message) not in seen
            seen.add(actor(message))
    assert by_actor == {n: [m for m in put if actor(m) == n] for n in {actor(m) for m in put}}


def test_what_follows_a_held_message_waits_behind_it_and_others_do_not() -> None:
    first, query, after, other = (
        delivery(ADD, add(1)),
        delivery(UNDO, undo(1)),
        delivery(ADD, add(1)),
        delivery(ADD, add(2)),
    )
    assert batches([first, query, after, other], 10) == [[first, other], [query, after]]


def test_a_message_for_many_counts_as_many() -> None:
    announce = notification.handlers[ANNOUNCE]
    told = [
        delivery(ANNOUNCE, AnnounceNotification(member_ids=ids, type="meeting.cancelled", subject=f"{n}", content="x"))
        for n, ids in enumerate([(1, 2), (3,), (4, 5, 6, 7), (8, 8), ()])
    ]
    assert [announce.weight_of(message.command) for message in told] == [2, 1, 4, 1, 1]
    under_test = lane(3)
    under_test._handlers = {ANNOUNCE: announce}
    for message in told:
        under_test.put(message)
    assert [under_test._gather(), under_test._gather(), under_test._gather()] == [told[:2], [told[2]], told[3:]]


def test_a_batch_has_at_most_its_size() -> None:
    put = [delivery(ADD, add(n)) for n in range(7)]
    assert batches(put, 3) == [put[:3], put[3:6], put[6:]]
