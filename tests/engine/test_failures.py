"""Failures of single messages: refused, undecodable, raising, impossible to write. Their neighbours never notice."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.topology import Queue
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from tests.engine.counter import ADD, CALL, TOLD, UNDO, add, call, calls, counters, undo
from tests.engine.engine import Engine, working
from tests.waiting import eventually


class Faults:
    """Raises for messages that say `boom`, until mended; counts them."""

    def __init__(self) -> None:
        self.broken = True
        self.seen: Tally[str] = Tally()

    def __call__(self, message: Message) -> None:
        said = str(getattr(message, "nickname", "") or getattr(message, "content", ""))
        self.seen[said] += 1
        if self.broken and said == "boom":
            raise ValueError("boom it is")


def last(message: Message, message_id: str = "") -> Envelope:
    """`message`, on its last attempt."""
    return replace(seal(message, message_id=message_id or fresh_id()), attempt=3)


def back(letter: Any, queue: Queue) -> Envelope:
    """A dead letter, published to the queue that it came from, as a replay does."""
    return Envelope(
        exchange="",
        routing_key=queue.name,
        body=letter.body,
        type=letter.type,
        message_id=letter.message_id,
        correlation_id=letter.correlation_id,
        first_published_ms=letter.headers["x-first-published-ms"],
    )


async def test_a_business_no_is_committed_and_answered_and_never_tried_again(engine: Engine) -> None:
    faults = Faults()
    async with working(engine.settings, counters(faults)):
        refused, done = await engine.send(add(1, 5, "refuse"), add(1, 7))
        await eventually(lambda: engine.state(done))
    outcome = await engine.outcome(refused)
    assert outcome is not None
    assert (outcome.state, outcome.status, outcome.problem and outcome.problem.type) == (
        "refused",
        409,
        "counter-closed",
    )
    assert faults.seen == {"refuse": 1, "": 1}
    assert await engine.total(1) == 7
    assert [await engine.depth(name) for name in (ADD.name, ADD.dead_letter_queue)] == [0, 0]


@pytest.mark.parametrize(
    ("body", "properties", "reason", "error"),
    [
        (b'{"meetingId":1,', {}, "malformed", "Undecodable: the body is not JSON"),
        (b"\xff\x00\xfe", {}, "malformed", "Undecodable: the body is not JSON"),
        (b'{"meetingId":"1","memberId":2}', {}, "invalid", "Expected `int`, got `str` - at `$.meetingId`"),
        (b'{"meetingId":1,"memberId":2}', {"type": "meeting.leave"}, "unknown-type", "type is 'meeting.leave'"),
    ],
)
async def test_what_can_not_be_decoded_is_a_dead_letter_at_once(
    engine: Engine, body: bytes, properties: dict[str, Any], reason: str, error: str
) -> None:
    async with working(engine.settings, counters()):
        await engine.send_raw(ADD, body, {"__TypeId__": "Join", "x-sender": "member:7"}, message_id="m-1", **properties)
        await engine.send(add(1))
        letter = await engine.take(ADD.dead_letter_queue)
        await eventually(lambda: engine.total(1))
    assert letter.body == body
    assert letter.headers["x-death-reason"] == reason
    assert error in letter.headers["x-death-error"]
    assert letter.headers["x-origin-queue"] == ADD.name
    assert (letter.headers["__TypeId__"], letter.headers["x-sender"]) == ("Join", "member:7")
    assert letter.message_id == "m-1"
    assert await engine.depth(ADD.name) == 0


async def test_what_raises_is_tried_three_times_alone_and_replayed_when_mended(engine: Engine) -> None:
    faults = Faults()
    sent = [add(n, 1, "boom" if n == 3 else "") for n in range(1, 6)]
    ids = await engine.send(*sent, call(3, "boom"))
    async with working(engine.settings, counters(faults), calls(faults)):
        await eventually(lambda: _all_done(engine, [*ids[:2], *ids[3:5]]))
        assert [await engine.total(n) for n in range(1, 6)] == [1, 1, 0, 1, 1]
        assert await engine.state(ids[2]) == ""
        decision, effect = await asyncio.gather(
            engine.take(ADD.dead_letter_queue, 20), engine.take(CALL.dead_letter_queue, 20)
        )
        assert faults.seen["boom"] == 6
        assert await engine.state(ids[2]) == "failed"
        for letter, queue, body in ((decision, ADD, sent[2]), (effect, CALL, call(3, "boom"))):
            assert letter.body == msgspec.json.encode(body)
            assert letter.headers["x-attempt"] == 3
            assert letter.headers["x-death-reason"] == "failed"
            assert letter.headers["x-death-error"] == "ValueError: boom it is"
            assert letter.headers["x-origin-queue"] == queue.name
        assert [letter.message_id for letter in (decision, effect)] == [ids[2], ids[5]]

        faults.broken = False
        await engine.send(back(decision, ADD))
        await eventually(lambda: _is(engine, ids[2], "done"))
        assert await engine.total(3) == 1
        await engine.send(back(effect, CALL))
        await eventually(lambda: _totals(engine, 3, 2))
    assert faults.seen["boom"] == 8
    assert await engine.count("inbox") == 6


async def test_a_message_that_can_not_be_written_dies_alone(engine: Engine) -> None:
    too_much = 10**20
    [failed] = await engine.send(last(add(2, too_much)))
    good = await engine.send(*(add(n) for n in range(1, 9)))
    async with working(engine.settings, counters()):
        letter = await engine.take(ADD.dead_letter_queue)
        await eventually(lambda: _all_done(engine, good))
    assert letter.headers["x-death-reason"] == "failed"
    assert "Out of range" in letter.headers["x-death-error"]
    assert await engine.state(failed) == "failed"
    assert [await engine.total(n) for n in range(1, 9)] == [1] * 8


async def test_a_first_failure_to_write_is_tried_again(engine: Engine) -> None:
    retries = _retries()
    [again] = await engine.send(add(2, 10**20))
    async with working(engine.settings, counters()):
        await eventually(lambda: _retries() > retries)
    assert await engine.state(again) == ""


async def test_a_decision_that_needs_more_ids_than_were_fetched_gets_them(engine: Engine) -> None:
    ids = await engine.send(*(add(n) for n in range(30)))
    async with working(replace(engine.settings, lanes=1), counters()) as worker:
        worker.lanes[0]._ids._ranges = [range(10, 12)]
        await eventually(lambda: _all_done(engine, ids))
    assert await engine.count("counter_steps") == 30


async def test_a_message_for_another_service_only_is_left_alone(engine: Engine) -> None:
    """Queues that this worker does not wire keep what they hold."""
    await engine.send(undo(1), call(1))
    async with working(engine.settings, calls()):
        await eventually(lambda: _empty(engine, CALL))
    assert await engine.depth(UNDO.name) == 1
    assert await engine.depth(TOLD.name) == 0


def _retries() -> float:
    return REGISTRY.get_sample_value("momo_retries_total", {"queue": ADD.name}) or 0.0


async def _is(engine: Engine, message_id: str, state: str) -> bool:
    return await engine.state(message_id) == state


async def _all_done(engine: Engine, ids: list[str]) -> bool:
    return all([await _is(engine, message_id, "done") for message_id in ids])


async def _totals(engine: Engine, counter: int, total: int) -> bool:
    return await engine.total(counter) == total


async def _empty(engine: Engine, queue: Queue) -> bool:
    return await engine.depth(queue.name) == 0
