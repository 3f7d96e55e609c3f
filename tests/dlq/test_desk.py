"""The desk against a real broker: looking destroys nothing, and acts lose and double nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from contracts.base import Message
from momo.broker.envelope import Envelope, seal
from momo.broker.failures import death
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher, PublishError
from momo.dlq import holding as held
from momo.dlq.acts import Act, audit
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.dlq.errors import DeskError
from momo.dlq.holding import Holding
from tests.engine.counter import ADD, QUEUES, UNDO, add, counters, undo
from tests.engine.engine import Engine, working
from tests.waiting import eventually


def dead(message: Message, error: str = "boom 1", message_id: str = "") -> Envelope:
    """`message` as a worker leaves it in a dead-letter queue after its last attempt."""
    [queue] = [queue for queue in QUEUES if queue.contract is type(message)]
    return replace(
        seal(message, message_id=message_id or fresh_id()),
        exchange="",
        routing_key=queue.dead_letter_queue,
        attempt=3,
        headers=death(queue, "failed", ValueError(error)),
    )


async def test_letters_are_grouped_by_queue_and_by_what_they_died_of(engine: Engine, desk: Desk) -> None:
    first, *_ = await engine.send(*(dead(add(n), f"seat {n} is odd") for n in range(1, 4)), dead(add(4), "other"))
    await engine.send(dead(undo(1), "seat 9 is odd"))
    listing = await desk.list()
    groups = {(group.queue, group.error): group for group in listing.groups}
    assert {key: group.count for key, group in groups.items()} == {
        ("meeting.join.dlq", "ValueError: seat # is odd"): 3,
        ("meeting.join.dlq", "ValueError: other"): 1,
        ("meeting.cancel.dlq", "ValueError: seat # is odd"): 1,
    }
    odd = groups["meeting.join.dlq", "ValueError: seat # is odd"]
    assert (odd.example, odd.origin, odd.reason) == (first, ADD.name, "failed")
    assert odd.oldest is not None
    assert odd.newest is not None
    assert odd.oldest <= odd.newest
    assert (listing.cut, listing.busy) == ([], [])
    assert [group.queue for group in (await desk.list(UNDO.name)).groups] == ["meeting.cancel.dlq"]


async def test_looking_fifty_times_takes_no_letter_away(engine: Engine, desk: Desk) -> None:
    ids = await engine.send(*(dead(add(n)) for n in range(5)))
    for _ in range(25):
        await desk.list(ADD.name)
        seen = await desk.show(Choice(queue=ADD.name))
        assert [letter.id for letter in seen] == ids
    assert await engine.depth(ADD.dead_letter_queue) == 5


async def test_a_failed_one_is_decided_again_and_one_that_took_effect_changes_nothing(
    engine: Engine, desk: Desk
) -> None:
    broken = True

    def fault(message: Message) -> None:
        if broken and getattr(message, "nickname", "") == "boom":
            raise ValueError("boom")

    async with working(engine.settings, counters(fault)):
        sent = replace(seal(add(1, 5, "boom"), message_id=fresh_id()), attempt=3)
        [failed] = await engine.send(sent)
        [done] = await engine.send(add(2, 7))
        await eventually(lambda: engine.depth(ADD.dead_letter_queue))
        await eventually(lambda: engine.state(done))
        assert await engine.state(failed) == "failed"
        # what a crash between publishing and acknowledging leaves: a letter whose message has been handled
        await engine.send(dead(add(2, 7), message_id=done))
        broken = False
        result = await desk.replay(Choice(queue=ADD.name))
        assert (result.letters, sorted(result.ids)) == (2, sorted([failed, done]))
        await eventually(lambda: _is(engine, failed, "done"))
        await eventually(lambda: _empty(engine, ADD.name))
        [again] = await engine.send(add(3))
        await eventually(lambda: engine.state(again))
    assert [await engine.total(n) for n in (1, 2)] == [5, 7]
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_a_replay_goes_to_its_own_queue_as_if_for_the_first_time(engine: Engine, desk: Desk) -> None:
    [sent] = await engine.send(dead(add(1)))
    await desk.replay(Choice(id=sent))
    message = await engine.take(ADD.name)
    assert message.message_id == sent
    assert message.headers["x-attempt"] == 1
    assert not [name for name in message.headers if "death" in name or "origin" in name]
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_a_letter_leaves_its_queue_only_when_the_broker_has_it_in_the_other(
    engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sent] = await engine.send(dead(add(1)))

    async def refused(self: Publisher, envelopes: Any, **_: Any) -> None:
        raise PublishError("not confirmed")

    with monkeypatch.context() as patched:
        patched.setattr(Publisher, "publish", refused)
        with pytest.raises(DeskError, match="not confirmed"):
            await desk.replay(Choice(id=sent))
    assert [letter.id for letter in await desk.show(Choice(id=sent))] == [sent]
    [act] = await audit(engine.settings)
    assert (act.state, act.message_id, act.result) == ("failed", sent, "the letter is still there: not confirmed")


async def test_a_crash_after_publishing_leaves_both_and_an_act_that_says_it_was_begun(
    engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sent] = await engine.send(dead(add(1)))

    async def crash(self: Holding, tags: Any) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Holding, "settle", crash)
        with pytest.raises(DeskError, match="gone"):
            await desk.replay(Choice(id=sent))
    assert [await engine.depth(name) for name in (ADD.name, ADD.dead_letter_queue)] == [1, 1]
    [act] = await audit(engine.settings)
    assert (act.act, act.state, act.ended_at) == ("replay", "begun", None)
    await desk.replay(Choice(id=sent))
    async with working(engine.settings, counters()):
        await eventually(lambda: engine.state(sent))
        await eventually(lambda: _empty(engine, ADD.name))
    assert await engine.total(1) == 1


async def test_a_dry_run_replays_nothing(engine: Engine, desk: Desk) -> None:
    ids = await engine.send(dead(add(1)), dead(add(2)))
    result = await desk.replay(Choice(queue=ADD.dead_letter_queue), dry_run=True)
    assert (result.dry_run, result.ids, result.queues) == (True, ids, {ADD.name: 2})
    assert [await engine.depth(name) for name in (ADD.name, ADD.dead_letter_queue)] == [0, 2]
    assert await audit(engine.settings) == []


async def test_a_replay_keeps_to_its_rate(engine: Engine, desk: Desk) -> None:
    await engine.send(*(dead(add(n)) for n in range(6)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.replay(Choice(queue=ADD.name), rate=10)
    assert loop.time() - began >= 0.5
    assert await engine.depth(ADD.name) == 6


async def test_only_the_chosen_are_replayed(engine: Engine, desk: Desk) -> None:
    wanted, other = await engine.send(dead(add(1), "this 1"), dead(add(2), "that"))
    await engine.send(dead(undo(1), "this 2"))
    [group] = [group for group in (await desk.list()).groups if group.example == wanted]
    result = await desk.replay(Choice(fingerprint=group.fingerprint, type="meeting.join"))
    assert result.ids == [wanted]
    assert [letter.id for letter in await desk.show(Choice(queue=ADD.name))] == [other]
    assert await engine.depth(UNDO.dead_letter_queue) == 1


async def test_many_letters_are_replayed_each_once(engine: Engine, desk: Desk) -> None:
    ids = await engine.send(*(dead(add(n)) for n in range(250)))
    result = await desk.replay(Choice(queue=ADD.name))
    assert result.ids == ids
    assert [await engine.depth(name) for name in (ADD.name, ADD.dead_letter_queue)] == [250, 0]
    assert await engine.count("operator_acts WHERE state = 'done'") == 250


async def test_an_edited_letter_keeps_its_place_its_id_and_its_death_and_says_so(engine: Engine, desk: Desk) -> None:
    [sent] = await engine.send(dead(add(1, 5, "boom")))
    [before] = await desk.show(Choice(id=sent))
    await desk.edit(Choice(id=sent), msgspec.json.encode(add(1, 6)))
    [after] = await desk.show(Choice(id=sent))
    assert after.body == {"meetingId": 1, "memberId": 6, "nickname": ""}
    assert (after.edited_by, before.edited_by) == ("kim", "")
    same = ("queue", "origin", "error", "reason", "fingerprint", "died_at", "attempts", "type")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    [act] = await audit(engine.settings)
    assert (act.act, act.state, act.result) == ("edit", "done", "changed: memberId, nickname")
    await desk.replay(Choice(id=sent))
    async with working(engine.settings, counters()):
        await eventually(lambda: engine.state(sent))
    assert await engine.total(1) == 6


async def test_a_body_that_the_queue_does_not_take_is_not_put_back(engine: Engine, desk: Desk) -> None:
    [sent] = await engine.send(dead(add(1, 5)))
    with pytest.raises(DeskError, match="no JoinMeeting"):
        await desk.edit(Choice(id=sent), b'{"meetingId":"one"}')
    [letter] = await desk.show(Choice(id=sent))
    assert letter.body["memberId"] == 5
    assert await audit(engine.settings) == []


async def test_a_dropped_letter_is_gone_and_the_audit_says_who_and_why(engine: Engine, desk: Desk) -> None:
    sent, kept = await engine.send(dead(add(1)), dead(add(2)))
    await desk.drop(Choice(id=sent), "a test's")
    assert [letter.id for letter in await desk.show(Choice(queue=ADD.name))] == [kept]
    [act] = await audit(engine.settings, ADD)
    assert (act.act, act.queue, act.message_id, act.operator, act.reason, act.state, act.result) == (
        "drop",
        ADD.name,
        sent,
        "kim",
        "a test's",
        "done",
        "taken away",
    )
    assert isinstance(act, Act)
    assert act.ended_at is not None
    assert act.begun_at <= act.ended_at


async def test_what_is_not_there_and_what_is_not_said_is_an_error(desk: Desk) -> None:
    with pytest.raises(DeskError, match="no letter has the id"):
        await desk.replay(Choice(id="none"))
    with pytest.raises(DeskError, match="no letter has the id"):
        await desk.show(Choice(id="none"))
    with pytest.raises(DeskError, match="say which letters"):
        await desk.drop(Choice(), "all of them")
    with pytest.raises(DeskError, match="no queue is called"):
        await desk.list("meeting.leave.queue")


async def test_nobody_sees_a_queue_as_empty_because_another_desk_holds_it(
    engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sent] = await engine.send(dead(add(1)))
    monkeypatch.setattr(held, "PATIENCE", 0.3)
    async with held.connection(engine.settings.amqp_url) as other:
        async with held.holding(other, ADD) as first:
            assert [letter.id async for letter, _ in first.letters(10)] == [sent]
            listing = await desk.list()
            assert (listing.groups, listing.busy) == ([], [ADD.dead_letter_queue])
            with pytest.raises(DeskError, match="another desk"):
                await desk.replay(Choice(id=sent, queue=ADD.name))
        assert [letter.id for letter in await desk.show(Choice(id=sent))] == [sent]


async def _is(engine: Engine, message_id: str, state: str) -> bool:
    return await engine.state(message_id) == state


async def _empty(engine: Engine, queue: str) -> bool:
    return await engine.depth(queue) == 0


async def test_many_letters_are_seen_whole_and_in_order_however_often_one_looks(engine: Engine) -> None:
    ids = await engine.send(*(dead(add(n)) for n in range(2_500)))
    for _ in range(3):
        async with held.connection(engine.settings.amqp_url) as opened, held.holding(opened, ADD) as holding:
            assert [letter.id async for letter, _ in holding.letters(holding.depth)] == ids
