"""Deliveries: strict decoding of our messages and of other producers', and the ids that the inbox knows them by."""

from __future__ import annotations

import time
from uuid import UUID

import msgspec
import pytest

from contracts.meeting import CreateMeeting, DeleteMeeting, ExpireHold, JoinMeeting
from contracts.topology import queue_named
from momo.broker.delivery import Undecodable
from tests.engine.letters import decoded

JOIN = queue_named("meeting.join.queue")
DELETE = queue_named("meeting.delete.queue")
EXPIRE = queue_named("meeting.expire.queue")
BODY = b'{"meetingId":1,"memberId":2,"nickname":"momo"}'


def test_a_spring_message_is_understood() -> None:
    body = b'{"memberId":2,"meetingId":1,"nickname":"\xeb\xaa\xa8\xeb\xaa\xa8","createdBy":{"some":["thing"]}}'
    got = decoded(JOIN, body, {"__TypeId__": "com.momo.meeting.MeetingEvents$Join"}, content_encoding="UTF-8")
    assert got.command == JoinMeeting(meeting_id=1, member_id=2, nickname="모모")
    assert (got.attempt, got.sender, got.fingerprint, got.reply_to) == (1, "", "", "")
    assert got.correlation_id == str(UUID(bytes=got.message_id))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (BODY + b"}", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b'{"meetingId":1,"memberId":2,"nickname":"\xff"}', "malformed"),
        (b"null", "invalid"),
        (b"[1,2]", "invalid"),
        (b"{}", "invalid"),
        (b'{"meetingId":"1","memberId":2}', "invalid"),
        (b'{"meetingId":1.5,"memberId":2}', "invalid"),
        (b'{"meetingId":null,"memberId":2}', "invalid"),
        (b'{"meeting_id":1,"member_id":2}', "invalid"),
    ],
)
def test_a_body_that_is_no_such_contract_is_undecodable(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decoded(JOIN, body)
    assert caught.value.reason == reason


def test_another_contracts_message_is_undecodable() -> None:
    with pytest.raises(Undecodable, match=r"type is 'meeting\.leave'") as caught:
        decoded(JOIN, BODY, type="meeting.leave")
    assert caught.value.reason == "unknown-type"


@pytest.mark.parametrize("fingerprint", ["no-hex", "abcd", "00" * 17])
def test_a_fingerprint_that_the_inbox_can_not_keep_is_undecodable(fingerprint: str) -> None:
    with pytest.raises(Undecodable, match="x-fingerprint"):
        decoded(JOIN, BODY, {"x-fingerprint": fingerprint})


def test_foreign_texts_are_cut_to_what_the_inbox_keeps() -> None:
    got = decoded(JOIN, BODY, {"x-sender": "s" * 500, "x-causation-id": "c" * 500}, correlation_id="k" * 200)
    assert {len(got.sender), len(got.causation_id), len(got.correlation_id)} == {64}


@pytest.mark.parametrize("value", [-5, 0, "soon", 10**18])
def test_a_first_publishing_that_can_not_be_is_taken_as_now(value: object) -> None:
    before = time.time_ns() // 1_000_000
    got = decoded(JOIN, BODY, {"x-first-published-ms": value})
    assert before <= got.first_published_ms <= time.time_ns() // 1_000_000


def test_a_uuid_is_the_messages_id_in_any_spelling() -> None:
    given = UUID("0190f5d6-1a2b-8c3d-9e4f-5a6b7c8d9e0f")
    for text in (str(given), str(given).upper(), given.hex):
        assert decoded(JOIN, BODY, message_id=text).message_id == given.bytes


def test_another_kind_of_id_is_told_apart_by_queue() -> None:
    first, again = (decoded(JOIN, BODY, message_id="order-17") for _ in range(2))
    elsewhere = decoded(DELETE, b'{"meetingId":1,"hostId":2}', message_id="order-17")
    other = decoded(JOIN, BODY, message_id="order-18")
    assert first.message_id == again.message_id
    assert len({first.message_id, elsewhere.message_id, other.message_id}) == 3


def test_without_an_id_the_business_key_tells_acts_apart() -> None:
    first, again = (decoded(DELETE, DeleteMeeting(meeting_id=1, host_id=host)) for host in (2, 3))
    other = decoded(DELETE, DeleteMeeting(meeting_id=2, host_id=2))
    assert first.message_id == again.message_id != other.message_id


def test_the_parts_of_a_business_key_do_not_run_into_each_other() -> None:
    ids = {
        decoded(queue_named("payment.refund.queue"), body).message_id
        for body in (
            b'{"orderId":"a","amount":"full","reason":"bc","at":"2026-01-01T00:00:00Z"}',
            b'{"orderId":"ab","amount":"full","reason":"c","at":"2026-01-01T00:00:00Z"}',
            b'{"orderId":"a\', \'b","amount":"full","reason":"c","at":"2026-01-01T00:00:00Z"}',
        )
    }
    assert len(ids) == 3


def test_an_act_that_may_be_repeated_gets_a_fresh_id() -> None:
    assert JoinMeeting.business_key == ()
    assert decoded(JOIN, BODY).message_id != decoded(JOIN, BODY).message_id


def test_a_moment_without_an_offset_is_undecodable() -> None:
    body = msgspec.json.encode({"orderId": "a", "amount": "full", "reason": "b", "at": "2026-01-01T00:00:00"})
    with pytest.raises(Undecodable):
        decoded(queue_named("payment.refund.queue"), body)


def test_business_keys_name_fields() -> None:
    for contract in (CreateMeeting, DeleteMeeting, ExpireHold):
        assert set(contract.business_key) <= {field.name for field in msgspec.structs.fields(contract)}
