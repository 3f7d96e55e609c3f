"""Incoming messages: whatever properties and headers a producer gives, they are read as the library would read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.header import ContentHeader

from momo.broker.incoming import incoming

short = st.text(max_size=40)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.dictionaries(short, values, max_size=6),
        "content_type": short,
        "content_encoding": short,
        "priority": st.integers(0, 255),
        "correlation_id": short,
        "reply_to": short,
        "expiration": st.integers(0, 10_000),
        "message_id": short,
        "timestamp": st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "type": short,
        "app_id": short,
    },
)


@given(given=properties, body=st.binary(max_size=100))
def test_properties_and_headers_are_read_as_they_were_written(given: dict[str, Any], body: bytes) -> None:
    message = aio_pika.Message(body, **given)
    frame = ContentHeader(properties=message.properties, body_size=len(body)).marshal()
    theirs = ContentHeader()
    theirs.unmarshal(frame)
    want = theirs.properties

    found = incoming(frame, body)
    assert found.body == body
    assert found.headers == (want.headers or {})
    assert found.correlation_id == (want.correlation_id or "")
    assert found.reply_to == (want.reply_to or "")
    assert found.message_id == (want.message_id or "")
    assert found.type == (want.message_type or "")
    assert found.timestamp == (int(want.timestamp.timestamp()) if want.timestamp else 0)


def test_bytes_that_are_no_text_are_left_out_rather_than_refused() -> None:
    frame = b"\x00\x3c\x00\x00" + bytes(8) + (1 << 7).to_bytes(2, "big") + b"\x03a\xffb"
    assert incoming(frame, b"").message_id == "ab"


@given(data=st.binary(max_size=60))
def test_a_header_that_is_none_is_a_value_error_or_a_message(data: bytes) -> None:
    try:
        assert incoming(data, b"x").body == b"x"
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either way is right, as long as it is one of the two


@pytest.mark.parametrize("cut", [0, 11, 13, 20])
def test_a_header_that_breaks_off_is_a_value_error(cut: int) -> None:
    frame = ContentHeader(properties=aio_pika.Message(b"", message_id="m" * 20, type="t").properties).marshal()
    with pytest.raises(ValueError, match="breaks off"):
        incoming(frame[:cut], b"")
