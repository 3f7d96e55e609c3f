"""Contracts that have changed: what older and newer code has sent is decided right, or dead with a reason."""

from __future__ import annotations

import os
from typing import Any, ClassVar, cast

import msgspec
import pytest
from msgspec.structs import replace

from contracts.base import Command, Message
from contracts.meeting import JoinMeeting
from contracts.topology import KEYS, Queue
from contracts.upcasts import UPCASTS, Fields
from momo.actors import Context, Decision, accept, outbox
from momo.actors.handler import handler
from momo.broker import failures
from momo.broker.delivery import Newer, Undecodable
from momo.broker.envelope import DUE, VERSION, Envelope, seal
from momo.broker.failures import dead, delayed, undecoded, waiting
from momo.broker.identity import fresh_id
from momo.dlq.body import checked
from momo.dlq.errors import DeskError
from momo.relay import Relay
from momo.worker import Service
from tests.dlq.test_letters import letter
from tests.engine.counter import ADD, Addition, Counted, Counter, add, counters
from tests.engine.engine import Engine, working
from tests.engine.letters import arriving, decoded
from tests.waiting import eventually

KEY = ADD.key


class Add2(Command, frozen=True, kw_only=True):
    """`JoinMeeting`, the first version, with `memberId` called what it is to a counter."""

    wire_version: ClassVar = 2
    meeting_id: int
    amount: int


class Add3(Command, frozen=True, kw_only=True):
    """The next one: it says how often."""

    wire_version: ClassVar = 3
    meeting_id: int
    amount: int
    times: int


SECOND = replace(ADD, contract=Add2)
THIRD = replace(ADD, contract=Add3)


def named(fields: Fields) -> Fields:
    fields["amount"] = fields.pop("memberId")
    return fields


def counted(fields: Fields) -> Fields:
    return {"times": 1, **fields}


@pytest.fixture
def upcasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTS, (KEY, 1), named)
    monkeypatch.setitem(UPCASTS, (KEY, 2), counted)


def second() -> Service:
    """Counters, by code that has the second version of their contract."""

    def decide(command: Add2, state: Addition, context: Context) -> Decision:
        return _added(state, command.meeting_id, command.amount)

    return _serving(SECOND, decide)


def third() -> Service:
    def decide(command: Add3, state: Addition, context: Context) -> Decision:
        return _added(state, command.meeting_id, command.amount * command.times)

    return _serving(THIRD, decide)


def _serving(queue: Queue, decide: Any) -> Service:
    service = Service("meeting")
    service.handlers[queue] = handler(queue, decide, actor="meeting_id")
    return service


def _added(state: Addition, counter_id: int, amount: int) -> Decision:
    counter = state.counter or Counter(counter_id=counter_id)
    total = counter.total + amount
    return accept(Counted(total), saves=[replace(counter, total=total)])


def sealed(message: Message) -> Envelope:
    """`message` as its own code seals it, for the queue of counters."""
    return replace(
        seal(add(1), message_id=fresh_id()), body=msgspec.json.encode(message), version=type(message).wire_version
    )


async def dead_letter(engine: Engine) -> Any:
    return await engine.take(ADD.dead_letter_queue)


@pytest.mark.usefixtures("upcasts")
async def test_what_older_code_sent_is_decided_by_newer_code(engine: Engine) -> None:
    sent = await engine.send(*(add(1, amount) for amount in (1, 20, 300)))
    async with working(engine.settings, second()):
        await eventually(lambda: engine.total(1))
        await eventually(lambda: _done(engine, sent))
    assert await engine.total(1) == 321


@pytest.mark.usefixtures("upcasts")
async def test_who_names_no_version_sends_the_first(engine: Engine) -> None:
    async with working(engine.settings, second()):
        await engine.send_raw(ADD, b'{"meetingId":1,"memberId":5}', headers={"__TypeId__": "JoinMeeting"})
        await eventually(lambda: engine.total(1))
    assert await engine.total(1) == 5


@pytest.mark.usefixtures("upcasts")
async def test_every_version_so_far_is_read_side_by_side(engine: Engine) -> None:
    async with working(engine.settings, third()):
        sent = await engine.send(
            add(1, 1), sealed(Add2(meeting_id=1, amount=20)), sealed(Add3(meeting_id=1, amount=150, times=2))
        )
        await eventually(lambda: _done(engine, sent))
    assert await engine.total(1) == 321


async def test_without_an_upcast_it_is_dead_and_says_what_is_missing(engine: Engine) -> None:
    [good] = sent = [sealed(Add2(meeting_id=2, amount=1))]
    async with working(engine.settings, second()):
        await engine.send(add(1, 1), *sent)
        letter = await dead_letter(engine)
        await eventually(lambda: engine.state(good.message_id))
    assert letter.headers["x-death-reason"] == "old-version"
    assert letter.headers["x-death-error"] == (
        "Undecodable: contracts/upcasts.py has no way from version 1 of meeting.join to 2"
    )
    assert VERSION not in letter.headers
    assert msgspec.json.decode(letter.body)["memberId"] == 1
    assert await engine.total(1) == 0


async def test_an_upcast_that_raises_costs_its_own_message_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divided(fields: Fields) -> Fields:
        return {**named(fields), "amount": 10 // fields["meetingId"]}

    monkeypatch.setitem(UPCASTS, (KEY, 1), divided)
    async with working(engine.settings, second()):
        sent = await engine.send(add(0, 1), add(5, 1))
        letter = await dead_letter(engine)
        await eventually(lambda: engine.state(sent[1]))
    assert letter.headers["x-death-reason"] == "invalid"
    assert "version 1 of meeting.join can't be brought to 2: ZeroDivisionError" in letter.headers["x-death-error"]
    assert await engine.total(5) == 2


async def test_what_is_newer_than_a_process_waits_for_one_that_reads_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "NEWER_MS", 100)
    envelope = replace(sealed(Add2(meeting_id=1, amount=7)), attempt=2, sender="member:7", headers={"from": "afar"})
    async with working(engine.settings, counters()):
        await engine.send(envelope)
        await eventually(lambda: engine.depth("momo.delay.100"))
    async with working(engine.settings, second()):
        await eventually(lambda: engine.state(envelope.message_id))
    assert await engine.total(1) == 7
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_what_nobody_has_come_to_read_within_an_hour_is_dead(engine: Engine) -> None:
    envelope = sealed(Add2(meeting_id=1, amount=7))
    async with working(engine.settings, counters()):
        await engine.send(replace(envelope, first_published_ms=envelope.first_published_ms - 3_700_000))
        letter = await dead_letter(engine)
    assert letter.headers["x-death-reason"] == "newer-version"
    assert "version 2 of meeting.join is newer than version 1" in letter.headers["x-death-error"]
    assert letter.headers[VERSION] == 2


@pytest.mark.usefixtures("upcasts")
async def test_what_older_code_left_in_outbox_and_timers_is_published_and_decided(engine: Engine) -> None:
    left, timed = (older(seal(add(1, amount), message_id=fresh_id())) for amount in (20, 300))
    await engine.database.change(
        "INSERT INTO outbox (outbox_id,created_at,lease_until,messages) VALUES (%s,'2026-01-01','2026-01-01',%s)",
        os.urandom(16),
        msgspec.msgpack.encode([left]),
    )
    await engine.database.change(
        "INSERT INTO scheduled (timer_key,due_at,message) VALUES ('t','2026-01-01',%s)", msgspec.msgpack.encode(timed)
    )
    relay = Relay("meeting", engine.settings.meeting_db_url, engine.publisher)
    async with working(engine.settings, second()):
        await relay.outbox(engine.database)
        await relay.timers(engine.database)
        await eventually(lambda: _total(engine, 320))


def older(envelope: Envelope) -> list[Any]:
    """`envelope` as it was packed before envelopes had a version."""
    fields: list[Any] = msgspec.msgpack.decode(outbox.pack(envelope))
    assert fields.pop() == 1
    return fields


def test_an_envelope_without_a_version_is_of_the_first() -> None:
    envelope = seal(add(1), message_id=fresh_id())
    assert outbox.unpack_one(msgspec.msgpack.encode(older(envelope))) == envelope
    assert envelope.version == 1


def test_a_message_is_sealed_with_the_version_of_its_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[Any, str]", KEYS), Add3, KEY)
    assert seal(Add3(meeting_id=1, amount=1, times=1), message_id=fresh_id()).version == 3


@pytest.mark.usefixtures("upcasts")
def test_a_message_that_failed_goes_on_as_it_came() -> None:
    """Whoever gets it next may be older; and a dead letter shows what was sent."""
    body = b'{"meetingId":1,"memberId":5}'
    delivery = decoded(SECOND, body)
    assert delivery.command == Add2(meeting_id=1, amount=5)
    for envelope in (delayed(delivery, 500), dead(delivery, "failed", ValueError())):
        assert (envelope.body, envelope.version) == (body, 1)
    newest = decoded(THIRD, b'{"meetingId":1,"amount":5}', {VERSION: 2})
    assert delayed(newest, 500).version == 2


@pytest.mark.parametrize("version", [0, -1, 2**40, "2", 1.5, None, [2]], ids=repr)
def test_what_is_no_version_is_undecodable(version: Any) -> None:
    with pytest.raises(Undecodable, match=r"x-contract-version is not a version") as caught:
        decoded(ADD, add(1), {VERSION: version})
    assert caught.value.reason == "invalid"
    letter = undecoded(ADD, arriving(b"{}", {VERSION: version}), "invalid", caught.value)
    assert letter.version == 1


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"1", b"null"])
@pytest.mark.usefixtures("upcasts")
def test_an_older_body_that_is_no_object_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable, match="the body is no Add2") as caught:
        decoded(SECOND, body)
    assert caught.value.reason == "invalid"


@pytest.mark.usefixtures("upcasts")
def test_what_is_upcast_is_held_to_the_contract_as_strictly() -> None:
    with pytest.raises(Undecodable, match=r"Expected `int`, got `str` - at `\$\.amount`"):
        decoded(SECOND, b'{"meetingId":1,"memberId":"5"}')


def test_what_waits_keeps_all_that_it_came_with() -> None:
    sent = replace(
        sealed(Add2(meeting_id=1, amount=7)), attempt=2, sender="member:7", traceparent="00-a-b-01", reply_to="gateway"
    )
    headers = {VERSION: 2, "x-attempt": 2, "x-first-published-ms": sent.first_published_ms, "x-sender": "member:7"}
    message = arriving(
        sent.body,
        {**headers, "traceparent": "00-a-b-01", "from": "afar"},
        message_id=sent.message_id,
        correlation_id=sent.correlation_id,
        reply_to="gateway",
        type=KEY,
    )
    again = waiting(ADD, message)
    due = int(again.headers[DUE])
    assert abs(due - 15_000 - sent.first_published_ms) < 5_000
    assert again == replace(
        sent, exchange="momo.delay.15000", routing_key=ADD.name, headers={"from": "afar", DUE: str(due)}
    )


def test_what_waits_without_an_id_gets_none() -> None:
    """It is known by its business key, and must stay so."""
    again = waiting(ADD, arriving(b"{}", {VERSION: 2}))
    assert (again.message_id, again.correlation_id) == ("", "")


def test_without_a_time_nobody_waits() -> None:
    with pytest.raises(Undecodable) as caught:
        decoded(ADD, Add2(meeting_id=1, amount=1), {VERSION: 2})
    assert not isinstance(caught.value, Newer)


def test_the_first_version_is_read_without_asking_for_upcasts(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Fields) -> Fields:
        raise AssertionError

    monkeypatch.setitem(UPCASTS, (KEY, 1), never)
    assert decoded(ADD, add(1, 5)).command == JoinMeeting(meeting_id=1, member_id=5)


@pytest.mark.usefixtures("upcasts")
def test_a_letter_keeps_its_version_and_is_edited_as_what_it_is() -> None:
    body = b'{"meetingId":1,"amount":5}'
    found = letter(THIRD, body, {VERSION: 2})
    assert found.replayed().version == found.edited(body, "me").version == 2
    assert checked(found, body) == body
    with pytest.raises(DeskError, match="the body is no Add3: Object missing required field `amount`"):
        checked(found, b'{"meetingId":1}')


async def _done(engine: Engine, sent: list[str]) -> bool:
    return all([await engine.state(message_id) == "done" for message_id in sent])


async def _total(engine: Engine, total: int) -> bool:
    return await engine.total(1) == total
