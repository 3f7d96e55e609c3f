"""The lines about messages: one for each that is sent, and one for each attempt however it ends."""

from __future__ import annotations

import json

from msgspec.structs import replace
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.topology import queue_named
from contracts.user import RegisterUser
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.telemetry import hops, lines
from tests.engine.counter import ADD, CALL, TOLD, add, call, calls, counters
from tests.engine.engine import Engine, working
from tests.engine.letters import decoded
from tests.telemetry.conftest import Written
from tests.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def boom(message: Message) -> None:
    if "boom" in {getattr(message, "nickname", ""), getattr(message, "content", "")}:
        raise ValueError('a "boom"\nit is')


def counted(name: str, queue: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"queue": queue, **labels}) or 0.0


async def test_what_is_sent_and_how_it_was_handled(engine: Engine, written: Written) -> None:
    sent = replace(seal(add(7, 5, "tell"), message_id=fresh_id(), correlation_id="story"), traceparent=TRACE)
    before = counted("momo_message_attempts_bucket", TOLD.name, le="1.0")
    async with working(engine.settings, counters()):
        [done, refused] = await engine.send(sent, add(7, 1, "refuse"))
        await eventually(lambda: len(written.of("message handled")) == 3)
    first, last = written.of("message sent to queue", done)[0], written.of("message handled", done)[0]
    assert (first["queue"], first["correlationId"], first["level"]) == (ADD.name, "story", "info")
    assert last["traceId"] == TRACE[3:35]
    assert {name: last[name] for name in ("queue", "correlationId", "actor", "attempt", "outcome")} == {
        "queue": ADD.name,
        "correlationId": "story",
        "actor": "meeting_id:7",
        "attempt": 1,
        "outcome": "done",
    }
    assert 0 <= last["waitingMs"] < 10_000
    assert 0 < last["processingMs"] < 10_000
    [on] = [line for line in written.of("message sent to queue") if line["causationId"] == done]
    assert (on["queue"], on["correlationId"], on["traceId"]) == (TOLD.name, "story", TRACE[3:35])
    no = written.of("message handled", refused)[0]
    assert (no["outcome"], no["refusal"]) == ("refused", "counter-closed")
    assert counted("momo_message_attempts_bucket", TOLD.name, le="1.0") == before + 1


async def test_each_attempt_is_told_and_waits_from_when_it_is_due(engine: Engine, written: Written) -> None:
    seen: list[str] = []

    def once(message: Message) -> None:
        seen.append("attempt")
        if len(seen) == 1:
            boom(message)

    async with working(engine.settings, counters(once), calls(boom)):
        [failing] = await engine.send(add(1, 1, "boom"))
        [dying] = await engine.send(replace(seal(call(1, "boom"), message_id=fresh_id()), attempt=3))
        await engine.take(CALL.dead_letter_queue)
        await eventually(lambda: written.of("message handled", failing))
    [retried], [done] = written.of("message not handled", failing), written.of("message handled", failing)
    assert (retried["level"], retried["outcome"], retried["attempt"]) == ("warning", "retried", 1)
    assert retried["error"] == 'ValueError: a "boom"\nit is'
    assert (done["outcome"], done["attempt"]) == ("done", 2)
    assert retried["nextMs"] >= 500
    assert done["waitingMs"] < retried["nextMs"], "the time on the delay ladder is no waiting"
    [dead] = written.of("message not handled", dying)
    assert (dead["level"], dead["outcome"], dead["attempt"]) == ("error", "dead", 3)
    queues = [line["queue"] for line in written.of("message sent to queue") if line["messageId"] in {failing, dying}]
    assert set(queues) == {ADD.name, CALL.name, f"momo.delay.{retried['nextMs']}", CALL.dead_letter_queue}


async def test_a_message_that_can_not_be_read_is_told_with_its_reason_and_without_its_body(
    engine: Engine, written: Written
) -> None:
    async with working(engine.settings, counters()):
        await engine.send_raw(ADD, b'{"canary":', message_id="not-a-uuid", correlation_id="story")
        await engine.take(ADD.dead_letter_queue)
    [dead] = written.of("message not handled")
    assert {name: dead[name] for name in ("level", "queue", "messageId", "correlationId", "outcome", "reason")} == {
        "level": "error",
        "queue": ADD.name,
        "messageId": "not-a-uuid",
        "correlationId": "story",
        "outcome": "dead",
        "reason": "malformed",
    }
    assert "canary" not in json.dumps(written.lines)


def test_a_line_names_whom_it_is_for_but_no_mail_address(written: Written) -> None:
    queue = queue_named("user.register.queue")
    registration = RegisterUser(email="canary@momo.test", nickname="n", password_hash="h")
    delivery = decoded(queue, registration, message_id=fresh_id())
    delivery.actor = ("email", registration.email)
    hops.take([delivery], 1.0)
    hops.called(delivery)
    assert written.of("message handled")[0]["queue"] == queue.name
    assert registration.email not in json.dumps(written.lines)


def test_nothing_is_written_below_the_level_that_is_asked_for(written: Written) -> None:
    lines.log.setLevel("WARNING")
    delivery = decoded(ADD, add(1), message_id=fresh_id())
    hops.called(delivery)
    hops.postponed(delivery)
    assert written.lines == []
    hops.retried(delivery, ValueError(), 500)
    assert [line["outcome"] for line in written.lines] == ["retried"]
