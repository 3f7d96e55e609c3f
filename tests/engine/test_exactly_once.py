"""Exactly once: whatever is delivered twice, by whomever, is decided once and answered the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.outcome import Outcome
from momo.actors import inbox
from momo.actors.flush import Flush, Flushed
from momo.broker.delivery import Delivery
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.settings import Settings
from momo.store.connection import Read, connected
from momo.store.ids import Ids
from tests.engine.counter import ADD, UNDO, add, counters, told, undo
from tests.engine.engine import Engine, working
from tests.engine.letters import delivery
from tests.waiting import eventually

FINGERPRINT = "0a" * 16
OTHER = "0b" * 16


async def flush(settings: Settings, *deliveries: Delivery) -> Flushed:
    """One flush of `deliveries`, all in one transaction."""
    async with connected(settings.meeting_db_url, autocommit=False) as database:
        return await Flush(deliveries, counters().handlers, Ids()).run(database)


async def test_a_message_twice_in_one_flush_is_decided_once(engine: Engine) -> None:
    message_id = fresh_id()
    flushed = await flush(engine.settings, *(delivery(ADD, add(1, 5, "tell"), message_id) for _ in range(3)))
    first, *others = (outcome for _, outcome in flushed.outcomes)
    assert others == [first, first]
    assert flushed.repeated == 2
    assert len(flushed.envelopes) == 1
    assert await engine.total(1) == 5


async def test_a_message_in_a_later_flush_changes_nothing_and_is_told_the_first_outcome(engine: Engine) -> None:
    done, refused = delivery(ADD, add(1, 5, "tell")), delivery(ADD, add(1, 5, "refuse"))
    first = await flush(engine.settings, done, refused)
    again = await flush(engine.settings, refused, done)
    assert [o for _, o in again.outcomes] == [o for _, o in reversed(first.outcomes)]
    assert (again.repeated, again.envelopes, again.outbox_ids) == (2, [], [])
    assert await engine.total(1) == 5


async def test_the_same_id_for_another_request_is_refused_and_changes_nothing(engine: Engine) -> None:
    message_id = fresh_id()
    mine = {"x-fingerprint": FINGERPRINT}
    other = {"x-fingerprint": OTHER}
    await flush(engine.settings, delivery(ADD, add(1), message_id, **mine))
    flushed = await flush(
        engine.settings,
        delivery(ADD, add(2), message_id, **other),
        delivery(ADD, add(1), message_id, **mine),
        delivery(ADD, add(1), message_id),
    )
    kinds = [outcome.problem.type if outcome.problem else outcome.state for _, outcome in flushed.outcomes]
    assert kinds == ["idempotency-key-reused", "done", "done"]
    assert [await engine.total(n) for n in (1, 2)] == [1, 0]


async def test_the_id_of_a_failed_message_is_not_free_for_another_request(engine: Engine) -> None:
    message_id = fresh_id()
    failed = delivery(ADD, add(1), message_id, **{"x-fingerprint": FINGERPRINT})
    async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
        await Flush([failed], counters().handlers, Ids(), broken=ValueError()).run(database)
        assert await engine.state(message_id) == ""
        dying = delivery(ADD, add(1), message_id, **{"x-fingerprint": FINGERPRINT, "x-attempt": 3})
        await Flush([dying], counters().handlers, Ids(), broken=ValueError()).run(database)
    assert await engine.state(message_id) == "failed"
    other = await flush(engine.settings, delivery(ADD, add(2), message_id, **{"x-fingerprint": OTHER}))
    assert [o.problem and o.problem.type for _, o in other.outcomes] == ["idempotency-key-reused"]
    await flush(engine.settings, failed)
    assert await engine.state(message_id) == "done"
    assert [await engine.total(n) for n in (1, 2)] == [1, 0]


async def test_a_failed_message_twice_in_one_flush_is_noted_once(engine: Engine) -> None:
    def fault(_: object) -> None:
        raise ValueError

    message_id = fresh_id()
    dying = [delivery(ADD, add(1), message_id, **{"x-attempt": 3}) for _ in range(2)]
    async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
        flushed = await Flush(dying, counters(fault).handlers, Ids()).run(database)
    assert len(flushed.failures) == 2
    assert await engine.state(message_id) == "failed"


async def test_two_processes_that_get_the_same_messages_decide_each_once(engine: Engine) -> None:
    sealed = [seal(add(n % 7, do="tell"), message_id=fresh_id()) for n in range(300)]
    async with working(engine.settings, counters()), working(engine.settings, counters()):
        await asyncio.gather(*(engine.send(*sealed) for _ in range(3)))
        await eventually(lambda: _settled(engine, 300 + 300))
        await eventually(lambda: _empty(engine))
    assert await engine.count("counter_steps WHERE counter_id < 1000") == 300
    assert sum([await engine.total(told(n)) for n in range(7)]) == 300
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_control_without_the_inbox_a_second_delivery_counts_twice(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(message_ids: Iterable[bytes], into: dict[bytes, inbox.Entry]) -> Read:
        return "SELECT 1", lambda _: None

    message = delivery(ADD, add(1))
    await flush(engine.settings, message)
    monkeypatch.setattr(inbox, "lookup", forgetful)
    await engine.database.change("DELETE FROM inbox")  # its primary key is the second guard
    await flush(engine.settings, message)
    assert await engine.total(1) == 2


async def test_a_query_sees_what_the_flushes_before_it_have_committed(engine: Engine) -> None:
    ids = []
    async with working(engine.settings, counters()):
        for amount in range(1, 6):
            ids += await engine.send(add(1, amount), add(2, amount))
        ids += await engine.send(undo(1), undo(1), add(1, 9), undo(2))
        await eventually(lambda: _settled(engine, len(ids)))
    assert sorted((await engine.counter(1)).trail.split()) == ["1", "2", "3", "4", "5", "9", "u", "u"]
    assert [await engine.count(f"counter_steps WHERE counter_id = {n}") for n in (1, 2)] == [4, 4]
    assert await _sums_agree(engine)


async def test_a_query_is_shown_no_record_as_it_was_before_this_flush(engine: Engine) -> None:
    """Two messages of different queues whose actors the lane can't relate: the second sees what the first has left."""
    await flush(engine.settings, delivery(ADD, add(1, 5)))
    flushed = await flush(engine.settings, delivery(UNDO, undo(1)), delivery(UNDO, undo(1)))
    assert [outcome.state for _, outcome in flushed.outcomes] == ["done", "refused"]
    assert await engine.total(1) == 0
    assert await _sums_agree(engine)


@given(
    plan=st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["add", "undo", "again"])), max_size=25),
    cuts=st.sets(st.integers(1, 24)),
)
@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_replays_in_any_order_leave_counters_equal_to_their_steps(
    engine_settings: Settings, plan: list[tuple[int, str]], cuts: set[int]
) -> None:
    outcomes: dict[bytes, Outcome] = {}

    async def play() -> None:
        async with connected(engine_settings.meeting_db_url) as database:
            for table in ("counters", "counter_steps", "inbox", "outbox"):
                await database.change(f"DELETE FROM {table}")
            sent: list[Delivery] = []
            batch: list[Delivery] = []
            for number, (counter, kind) in enumerate(plan):
                fresh = delivery(ADD, add(counter)) if kind == "add" else delivery(UNDO, undo(counter))
                batch.append(sent[number % len(sent)] if kind == "again" and sent else fresh)
                sent.append(batch[-1])
                if number in cuts or batch[-1].queue is UNDO:
                    await told_the_same(batch)
                    batch = []
            if batch:
                await told_the_same(batch)
            rows = await database.rows(
                "SELECT c.total, COALESCE(SUM(s.amount), 0) FROM counters c LEFT JOIN counter_steps s"
                " USING (counter_id) GROUP BY c.counter_id"
            )
            assert all(total == steps for total, steps in rows)

    async def told_the_same(batch: list[Delivery]) -> None:
        for message, outcome in (await flush(engine_settings, *batch)).outcomes:
            assert outcomes.setdefault(message.message_id, outcome) == outcome

    asyncio.run(play())


async def test_what_a_message_sends_carries_its_story(engine: Engine) -> None:
    message_id = fresh_id()
    asked = replace(seal(add(1, do="tell"), message_id=message_id, correlation_id="story"), traceparent="00-a-b-01")
    async with working(engine.settings, counters()):
        await engine.send(asked)
        await eventually(lambda: _settled(engine, 2))
    [row] = await engine.database.rows(
        "SELECT message_id, correlation_id, causation_id, sender FROM inbox WHERE causation_id <> ''"
    )
    assert row[0] != UUID(message_id).bytes
    assert row[1:] == ("story", message_id, "meeting")


async def _settled(engine: Engine, count: int) -> bool:
    return await engine.count("inbox") == count


async def _empty(engine: Engine) -> bool:
    return await engine.depth(ADD.name) == 0


async def _sums_agree(engine: Engine) -> bool:
    rows = await engine.database.rows(
        "SELECT c.total - COALESCE(SUM(s.amount), 0) FROM counters c LEFT JOIN counter_steps s USING (counter_id)"
        " GROUP BY c.counter_id"
    )
    return all(difference == 0 for (difference,) in rows)
