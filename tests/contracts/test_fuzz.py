"""Whatever arrives in a queue is a message of its contract or undecodable: never another error, never half of one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest
from aiormq import spec
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st
from pamqp.header import ContentHeader

from contracts.base import Message
from contracts.examples import EXAMPLES
from contracts.topology import QUEUES, Queue
from momo.broker.acks import Ledger
from momo.broker.delivery import Delivery, Undecodable, decode
from momo.broker.envelope import ATTEMPT, CAUSATION, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, VERSION
from momo.broker.failures import undecoded, waiting
from momo.broker.frames import publish
from momo.broker.incoming import Incoming, incoming

BY_CONTRACT = {type(example): example for example in EXAMPLES}
EVERY_QUEUE = pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
NO_LEDGER = cast("Ledger", None)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2026-11-22T09:30:00Z", "2026-11-22T09:30:00", "0001-01-01T00:00:00+23:59", "9" * 400])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
TEXTS = st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode(errors="replace"))
TABLE_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(width=32)
    | st.text(max_size=40)
    | st.binary(max_size=40).map(bytearray)
    | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
    | st.decimals(-10_000, 10_000, places=2, allow_nan=False).map(Decimal),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
OUR_HEADERS = st.sampled_from(
    [ATTEMPT, CAUSATION, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, VERSION, "x-delivery-count"]
)
HEADERS = st.dictionaries(OUR_HEADERS | st.text(max_size=20), TABLE_VALUES, max_size=5)


def handed(queue: Queue, message: Incoming) -> Delivery | None:
    """The delivery of `message`, proven to be a whole one, or None where it is undecodable."""
    try:
        found = decode(queue, message, NO_LEDGER, 1)
    except Undecodable:
        return None
    assert type(found.command) is queue.contract
    assert msgspec.json.decode(msgspec.json.encode(found.command), type=queue.contract) == found.command
    assert len(found.message_id) == 16
    assert found.attempt >= 1
    assert len(found.correlation_id) <= 64
    return found


@EVERY_QUEUE
@given(body=st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_arbitrary_body_is_undecodable_or_a_message(queue: Queue, body: bytes) -> None:
    handed(queue, Incoming(body=body, type=queue.key))


@EVERY_QUEUE
@given(data=st.data())
def test_message_with_a_few_fields_changed_is_undecodable_or_a_message(queue: Queue, data: st.DataObject) -> None:
    fields = msgspec.to_builtins(BY_CONTRACT[queue.contract])
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)):
        if data.draw(st.booleans()):
            fields[name] = data.draw(JSON)
        else:
            fields.pop(name, None)
    handed(queue, Incoming(body=msgspec.json.encode(fields), type=data.draw(st.sampled_from([queue.key, ""]))))


@EVERY_QUEUE
@given(data=st.data())
def test_message_with_a_few_bytes_changed_is_undecodable_or_a_message(queue: Queue, data: st.DataObject) -> None:
    body = bytearray(msgspec.json.encode(BY_CONTRACT[queue.contract]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    handed(queue, Incoming(body=bytes(body[: data.draw(st.integers(0, len(body)))])))


@given(
    queue=st.sampled_from(QUEUES),
    headers=HEADERS,
    message_id=TEXTS,
    correlation_id=TEXTS,
    reply_to=TEXTS,
    timestamp=st.integers(-(2**63), 2**63 - 1),
)
def test_good_body_with_arbitrary_properties_is_undecodable_or_a_message(  # noqa: PLR0917 - one for each property
    queue: Queue, headers: dict[str, Any], message_id: str, correlation_id: str, reply_to: str, timestamp: int
) -> None:
    handed(
        queue,
        Incoming(
            body=msgspec.json.encode(BY_CONTRACT[queue.contract]),
            headers=headers,
            message_id=message_id,
            correlation_id=correlation_id,
            reply_to=reply_to,
            timestamp=timestamp,
        ),
    )


@given(body=st.integers(1, 30_000).map(lambda depth: b'{"a":' * depth) | st.integers(1, 60_000).map(lambda n: b"[" * n))
def test_json_of_any_depth_is_undecodable(body: bytes) -> None:
    assert handed(QUEUES[0], Incoming(body=body)) is None


@given(header=st.binary(max_size=300))
def test_arbitrary_bytes_for_a_header_are_a_value_error_or_a_message(header: bytes) -> None:
    read(header)


@given(headers=HEADERS, text=st.text(max_size=40), data=st.data())
def test_header_frame_with_a_few_bytes_changed_is_a_value_error_or_a_message(
    headers: dict[str, Any], text: str, data: st.DataObject
) -> None:
    properties = spec.Basic.Properties(
        headers=headers, correlation_id=text, message_id=text, message_type="user.follow"
    )
    try:
        frame = bytearray(ContentHeader(0, 2, properties).marshal())
    except (TypeError, ValueError, OverflowError):
        reject()  # not everything that a table can hold can be written by this encoder
    read(bytes(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(frame[: data.draw(st.integers(0, len(frame)))]))


def read(header: bytes) -> None:
    """A header is read as a message, which can then be decoded or not, or it is a ValueError."""
    try:
        message = incoming(header, b"{}")
    except ValueError:
        return
    assert isinstance(message, Incoming)
    handed(QUEUES[0], message)


def test_every_contract_is_fuzzed() -> None:
    assert {queue.contract for queue in QUEUES} == set(BY_CONTRACT)
    assert all(issubclass(contract, Message) for contract in BY_CONTRACT)


def test_message_that_is_too_large_is_not_decoded() -> None:
    queue = QUEUES[0]
    body = msgspec.json.encode(msgspec.to_builtins(BY_CONTRACT[queue.contract]) | {"addedLater": "x" * 1_100_000})
    with pytest.raises(Undecodable) as caught:
        decode(queue, Incoming(body=body), NO_LEDGER, 1)
    assert caught.value.reason == "too-large"


@settings(phases=[Phase.generate])
@given(header=st.binary(max_size=40), headers=HEADERS, text=st.binary(min_size=200, max_size=255), at=st.integers())
def test_dead_letter_of_whatever_arrived_can_be_published(
    header: bytes, headers: dict[str, Any], text: bytes, at: int
) -> None:
    """A letter that can't be written would keep its message unsettled for ever."""
    message = Incoming(
        body=header,
        headers=headers,
        message_id=text.decode(errors="ignore"),
        correlation_id=text.decode(errors="ignore"),
        type=text.decode(errors="ignore"),
        reply_to=text.decode(errors="ignore"),
        timestamp=at,
    )
    letter = undecoded(QUEUES[0], message, "malformed", ValueError("no message"))
    assert publish(letter, 1, 100_000)
    assert publish(waiting(QUEUES[0], message), 1, 100_000)
