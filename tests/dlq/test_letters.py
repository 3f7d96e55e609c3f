"""Letters without a broker: whose they are, why they died, which are alike, and what of them is secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import msgspec
import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands
from pamqp.header import ContentHeader

from contracts.topology import queue_named
from momo.broker.envelope import DUE
from momo.broker.failures import death
from momo.dlq.body import body_of, checked
from momo.dlq.choice import Choice, span
from momo.dlq.errors import DeskError
from momo.dlq.fingerprint import blanked, fingerprint
from momo.dlq.letter import Letter, read
from momo.dlq.secrets import BLANK, redacted, redacted_text, restored
from momo.dlq.views import shown

REGISTER = queue_named("user.register.queue")
JOIN = queue_named("meeting.join.queue")
DIED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SECRET = "$argon2id$v=19$m=65536$canary"
ACCOUNT = {"email": "a@b.kr", "nickname": "a", "passwordHash": SECRET}
LIMIT = {
    "queue": JOIN.name,
    "reason": "delivery_limit",
    "count": 1,
    "time": DIED,
    "exchange": "",
    "routing-keys": ["x"],
}
LADDER = {**LIMIT, "queue": "momo.delay.500", "reason": "expired"}


def letter(origin: Any = JOIN, body: bytes = b"{}", headers: dict[str, Any] | None = None, **properties: Any) -> Letter:
    message = aio_pika.Message(body, headers=headers or {}, **properties)
    header = ContentHeader(properties=message.properties, body_size=len(body))
    channel: Any = None
    return read(origin, DeliveredMessage(commands.Basic.GetOk(1, False, "", "", 0), header, body, channel))


def test_a_letter_of_a_worker_says_why_when_and_from_where() -> None:
    found = letter(
        JOIN, b"{}", {**death(JOIN, "failed", ValueError("no 7")), "x-attempt": 3, "__TypeId__": "Join"}, message_id="m"
    )
    assert (found.id, found.origin, found.queue) == ("m", JOIN, "meeting.join.dlq")
    assert (found.reason, found.error, found.envelope.attempt) == ("failed", "ValueError: no 7", 3)
    assert found.died_at is not None
    assert abs(datetime.now(UTC) - found.died_at) < timedelta(seconds=10)
    assert found.envelope.headers == {"__TypeId__": "Join"}


@pytest.mark.parametrize("deaths", [[LIMIT], [LIMIT, LADDER], [LADDER, LIMIT]])
def test_a_letter_of_the_broker_is_understood_by_its_x_death(deaths: list[dict[str, Any]]) -> None:
    found = letter(JOIN, b"{}", {"x-death": deaths, "x-first-death-reason": "expired"}, message_id="m")
    assert (found.reason, found.origin, found.died_at) == ("delivery-limit", JOIN, DIED)
    assert found.error.startswith("Unsettled: ")


def test_a_foreign_header_can_not_send_a_replay_to_another_queue() -> None:
    found = letter(JOIN, b"{}", {"x-origin-queue": "payment.return.queue", "x-death-reason": "failed"})
    replayed = found.replayed()
    assert (replayed.exchange, replayed.routing_key) == ("", JOIN.name)


def test_a_replay_is_as_if_for_the_first_time() -> None:
    headers = {**death(JOIN, "failed", ValueError()), "x-death": [LIMIT], "x-attempt": 3, "x-sender": "member:1"}
    replayed = letter(JOIN, b"{}", headers, message_id="m", type="meeting.join", correlation_id="c").replayed()
    assert (replayed.attempt, set(replayed.headers)) == (1, {DUE})
    assert (replayed.message_id, replayed.type, replayed.correlation_id, replayed.sender) == (
        "m",
        "meeting.join",
        "c",
        "member:1",
    )


def test_a_letter_without_an_id_has_one_that_looking_and_editing_do_not_change() -> None:
    first = letter(JOIN, b'{"a":1}', {"x-death": [LIMIT], "x-delivery-count": 1})
    again = letter(JOIN, b'{"a":1}', {"x-death": [LIMIT], "x-delivery-count": 40})
    other = letter(JOIN, b'{"a":2}', {"x-death": [LIMIT], "x-delivery-count": 1})
    assert first.id == again.id != other.id
    assert first.edited(b"{}", "kim").message_id == first.id
    assert first.replayed().message_id == first.id


def test_errors_that_differ_in_numbers_and_ids_alone_are_one() -> None:
    same = {
        fingerprint("failed", f"ValueError: member {member} of {order} at 12:30:{second} lacks 0x7f{second}")
        for member, order, second in (
            (1, "019a3f1e-7d1c-8000-b000-000000000001", 10),
            (23_456, "11111111-2222-8333-8444-555555555555", 59),
        )
    }
    assert len(same) == 1
    assert blanked("KeyError: 'seat' deadbeef01 facade") == "KeyError: 'seat' # facade"


def test_errors_that_differ_in_reason_type_or_words_are_several() -> None:
    errors = [
        ("failed", "ValueError: a"),
        ("failed", "KeyError: a"),
        ("failed", "ValueError: b"),
        ("invalid", "ValueError: a"),
    ]
    assert len({fingerprint(*error) for error in errors}) == 4


def test_what_is_shown_holds_no_secret() -> None:
    named = {name: f"canary {name}" for name in ("password", "passwordHash", "refreshToken", "secretKey", "Cookie")}
    found = letter(
        REGISTER,
        msgspec.json.encode({"nickname": "a", **named, "list": [named], "secrets": ["canary", {"a": "canary"}]}),
        {**death(REGISTER, "failed", ValueError(f"passwordHash=canary {SECRET} is odd")), "authToken": "canary"},
    )
    told = msgspec.json.encode(shown(found)).decode()
    assert "canary" not in told
    assert shown(found).body["nickname"] == "a"


def test_a_body_that_is_no_json_is_shown_as_text_without_its_secrets() -> None:
    found = letter(REGISTER, f'{{"nickname":"a","passwordHash":"{SECRET}","x": \xff'.encode("latin-1"))
    body = body_of(found)
    assert isinstance(body, str)
    assert SECRET not in body
    assert '"nickname":"a"' in body
    assert redacted_text("password: hunter2, user: kim") == f"password: {BLANK}, user: kim"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "passwordHash", "token", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_what_was_blanked_comes_back_when_nothing_is_edited(value: Any) -> None:
    assert restored(redacted(value), value) == value


def test_an_edited_body_keeps_the_secrets_that_it_does_not_show() -> None:
    found = letter(REGISTER, msgspec.json.encode(ACCOUNT))
    body = checked(found, msgspec.json.encode({**ACCOUNT, "nickname": "b", "passwordHash": BLANK}))
    assert msgspec.json.decode(body) == {**ACCOUNT, "nickname": "b"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"email":', "not JSON"),
        (b'{"email":"a@b.kr"}', "no RegisterUser: Object missing required field `nickname`"),
        (b'{"email":"a@b.kr","nickname":"[redacted]","passwordHash":"x"}', "stands where the letter had no value"),
    ],
)
def test_a_body_that_the_contract_does_not_take_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(DeskError, match=says.replace("[", r"\[")):
        checked(letter(REGISTER, b"no json"), body)


def test_a_choice_takes_what_has_all_that_it_names() -> None:
    found = letter(JOIN, b"{}", {"x-death": [LIMIT]}, message_id="m", type="meeting.join")
    now = DIED + timedelta(hours=1)
    takes = [Choice(id="m"), Choice(type="meeting.join"), Choice(fingerprint=found.fingerprint)]
    takes += [Choice(older_than=span("59m")), Choice(newer_than=span("2h")), Choice(older_than=span("90s"), id="m")]
    leaves = [Choice(id="n"), Choice(id="m", type="meeting.cancel"), Choice(fingerprint="0")]
    leaves += [Choice(older_than=span("2h")), Choice(newer_than=span("1s")), Choice(newer_than=span("0d"))]
    assert [choice.takes(found, now) for choice in takes + leaves] == [True] * 6 + [False] * 6


def test_a_letter_of_no_known_age_is_taken_by_no_age() -> None:
    found = letter()
    assert not Choice(older_than=span("1s")).takes(found, DIED)
    assert not Choice(newer_than=span("1s")).takes(found, DIED)
