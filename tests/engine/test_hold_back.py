"""Holding back: in a queue that does, a dead letter keeps its actor's later messages, and nobody else's, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest
from msgspec.structs import replace

from contracts.base import Message
from momo.actors.flush import Failure, Flushed
from momo.actors.lane import Lane
from momo.broker.delivery import Delivery
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.store.errors import StoreError
from tests.engine.counter import ADD, CALL, add, counters, undo
from tests.engine.engine import Engine, spawn, working
from tests.engine.holding import HOLDING, boom, holding
from tests.engine.letters import delivery
from tests.waiting import eventually

DLQ = ADD.dead_letter_queue


async def letters(engine: Engine, count: int) -> list[tuple[str, str, str]]:
    """So many letters, taken away: id, reason and error of each."""
    found = [await engine.take(DLQ) for _ in range(count)]
    return [(one.message_id, one.headers["x-death-reason"], one.headers["x-death-error"]) for one in found]


async def line(engine: Engine) -> list[tuple[str, list[int]]]:
    """Each actor that is held back, and the order of what lies behind its letter, as numbers of places from 0."""
    actors = await engine.database.rows("SELECT actor FROM held_actors ORDER BY actor")
    behind = await engine.database.rows("SELECT actor, place FROM held_messages ORDER BY place")
    return [(actor.decode(), [place for its, place in behind if its == actor]) for (actor,) in actors]


async def ended(engine: Engine, *ids: str) -> bool:
    return all([await engine.state(one) for one in ids])


async def test_a_dead_letter_holds_back_what_follows_for_its_actor_in_its_queue_and_nothing_else(
    engine: Engine,
) -> None:
    settings = replace(engine.settings, dead_letter_least=2, dead_letter_share=0.01)  # one more death would pause it
    async with working(settings, holding()) as worker:
        sent = await engine.send(add(1, 1), add(1, 2, "boom"), *(add(1, n) for n in range(3, 9)), add(2, 1))
        await eventually(lambda: ended(engine, *sent))
        [elsewhere, after] = await engine.send(undo(1), add(1, 9))
        await eventually(lambda: ended(engine, elsewhere, after))
        await eventually(lambda: worker.ready)
        assert not worker._consumers.paused
    assert [(await engine.counter(n)).trail for n in (1, 2)] == ["1 u ", "1 "]
    outcome = await engine.outcome(after)
    assert outcome is not None
    assert outcome.problem is not None
    assert (outcome.state, outcome.problem.type) == ("failed", "command-failed")
    died = await letters(engine, 8)
    assert sorted(one for one, _, _ in died) == sorted([*sent[1:8], after])
    assert Counter(died) == Counter(
        [(sent[1], "failed", "ValueError: boom")]
        + [(one, "held-back", f"HeldBack: behind {sent[1]}") for one in (*sent[2:8], after)]
    )
    order = await engine.database.rows("SELECT LOWER(HEX(message_id)) FROM held_messages ORDER BY place")
    assert [one for (one,) in order] == [one.replace("-", "") for one in (*sent[2:8], after)]


async def test_a_queue_that_does_not_hold_back_goes_on(engine: Engine) -> None:
    async with working(engine.settings, counters(boom)):
        [_, after] = await engine.send(
            replace(seal(add(1, 2, "boom"), message_id=fresh_id()), attempt=3), seal(add(1, 3), message_id=fresh_id())
        )
        await eventually(lambda: _is(engine, after, "done"))
        assert [one[1] for one in await letters(engine, 1)] == ["failed"]
    assert await line(engine) == []


async def test_attempts_are_made_in_place_and_nothing_overtakes_a_message_that_is_tried_again(engine: Engine) -> None:
    tried: Counter[int] = Counter()

    def flaky(message: Message) -> None:
        if getattr(message, "nickname", "") == "flaky":
            tried[message.member_id] += 1  # type: ignore[attr-defined]
            if tried[message.member_id] < 3:  # type: ignore[attr-defined]
                raise ValueError("not yet")

    # one lane, and small batches: what waits for an attempt is met in several flushes, and in halves of those that meet
    # a sum that the column does not take
    settings = replace(engine.settings, batch=8, lanes=1)
    async with working(settings, holding(flaky)):
        sent = []
        for start in (1, 11, 21):
            good = [add(n % 2, n, "flaky" if n % 5 == 0 else "") for n in range(start, start + 10)]
            some = await engine.send(*good[:7], add(start + 2, 2**62), add(start + 2, 2**62), *good[7:])
            sent += some[:7] + some[9:]
        await eventually(lambda: _all(engine, sent, "done"))
        await eventually(lambda: _deep(engine, 3))
    for actor in (0, 1):
        numbers = [n for n in range(1, 31) if n % 2 == actor]
        assert (await engine.counter(actor)).trail == "".join(f"{n} " for n in numbers)
    # a flush that was run again has asked once more
    assert min(tried.values()) >= 3
    assert await engine.count("attempts WHERE state='failed'") >= 6


async def test_what_follows_in_the_other_half_of_a_batch_waits_as_well() -> None:
    nothing: dict[str, object] = dict.fromkeys(("publisher", "replies", "exits", "guard"))
    lane = Lane("test", "", holding().handlers, batch=10, **nothing)  # type: ignore[arg-type]
    flushed: list[list[int]] = []

    async def attempt(batch: Sequence[Delivery], broken: Exception | None = None) -> Flushed:
        if len(batch) == 3:
            raise StoreError("one of them can't be written")
        flushed.append([each.command.member_id for each in batch])  # type: ignore[attr-defined]
        again = [Failure(each, ValueError()) for each in batch if each.command.member_id == 1]  # type: ignore[attr-defined]
        return Flushed(outcomes=[], repeated=0, failures=[], again=again, behind=[], envelopes=[], outbox_ids=[])

    async def after(_: Flushed) -> None:
        """There is nothing to see to."""

    lane._attempt = attempt  # type: ignore[method-assign]
    lane._after.after = after  # type: ignore[method-assign, assignment]
    for message in (add(1, 1), add(2, 2), add(1, 3)):
        lane.put(delivery(HOLDING, message))
    await lane._flush(lane._gather())
    assert flushed == [[1], [2]]
    assert [each.command.member_id for each in lane._back] == [1, 3]  # type: ignore[attr-defined]


async def test_what_can_not_be_committed_holds_back_too(engine: Engine) -> None:
    # two such make a sum that the column does not take
    async with working(engine.settings, holding()):
        [first, broken, behind, other] = await engine.send(add(1, 2**62), add(1, 2**62), add(1, 1), add(2, 1))
        await eventually(lambda: ended(engine, first, broken, behind, other))
    assert [await engine.state(one) for one in (first, broken, behind, other)] == ["done", "failed", "failed", "done"]
    assert [one[1] for one in await letters(engine, 2)] == ["failed", "held-back"]


async def test_a_message_that_comes_again_while_it_is_held_back_keeps_its_place(engine: Engine) -> None:
    async with working(engine.settings, holding()):
        [_, second, third] = await engine.send(add(1, 1, "boom"), add(1, 2), add(1, 3))
        await eventually(lambda: ended(engine, second, third))
        before = await line(engine)
        await engine.send(seal(add(1, 2), message_id=second))
        await eventually(lambda: _deep(engine, 4))
    assert before == await line(engine)
    assert [actor for actor, _ in before] == ["1"]
    assert len(before[0][1]) == 2


async def test_letters_that_a_killed_process_did_not_get_out_are_where_they_belong_after_it(engine: Engine) -> None:
    """Its hold is committed, its letters are nowhere yet, and its messages are delivered again."""
    process = await spawn(engine.settings, ["-m", "tests.engine.holding", "stall"])
    sent = await engine.send(add(1, 1), add(1, 2, "boom"), add(1, 3), add(1, 4), add(2, 1))
    await eventually(lambda: ended(engine, *sent), 20)
    before = await line(engine)
    assert await engine.depth(DLQ) == 0
    process.kill()
    await process.wait()
    async with working(engine.settings, holding()):
        await eventually(lambda: _deep(engine, 3))
        [after] = await engine.send(add(1, 5))
        await eventually(lambda: ended(engine, after))
    assert [actor for actor, _ in before] == ["1"]
    [(_, places)] = await line(engine)
    assert places[:2] == before[0][1]
    assert [(await engine.counter(n)).trail for n in (1, 2)] == ["1 ", "1 "]
    assert {one for one, _, _ in await letters(engine, 4)} == {*sent[1:4], after}
    assert await engine.depth(ADD.name) == 0


async def test_a_holder_that_comes_again_and_is_decided_ends_the_hold(engine: Engine) -> None:
    async with working(engine.settings, holding()):
        [first] = await engine.send(add(1, 1, "boom"))
        await eventually(lambda: ended(engine, first))
        await engine.send(seal(add(1, 1), message_id=first))
        await eventually(lambda: _is(engine, first, "done"))
        [after] = await engine.send(add(1, 2))
        await eventually(partial(_is, engine, after, "done"))
    assert await line(engine) == []
    assert (await engine.counter(1)).trail == "1 2 "


def test_only_decisions_can_hold_back() -> None:
    with pytest.raises(ValueError, match=r"notification\.send\.queue can't hold back"):
        replace(CALL, holds_back=True)


async def _is(engine: Engine, message_id: str, state: str) -> bool:
    return await engine.state(message_id) == state


async def _all(engine: Engine, ids: list[str], state: str) -> bool:
    return all([await engine.state(one) == state for one in ids])


async def _deep(engine: Engine, letters: int) -> bool:
    return await engine.depth(DLQ) == letters
