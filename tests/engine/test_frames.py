"""Publish frames put together by hand: the general decoder reads in them what was meant."""

from __future__ import annotations

from typing import Any

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momo.broker import envelope as envelopes
from momo.broker import frames
from momo.broker.envelope import Envelope

OURS = {name for name in vars(envelopes).values() if isinstance(name, str)}
"""Headers that have places of their own in an envelope."""
SHORT = st.text(max_size=60)


def decoded(data: bytes) -> list[Any]:
    found = []
    while data:
        size, channel, frame = pamqp.frame.unmarshal(data)
        assert channel == 3
        found.append(frame)
        data = data[size:]
    return found


@given(
    body=st.binary(max_size=300),
    ids=st.tuples(SHORT, SHORT, SHORT),
    reply_to=SHORT,
    extra=st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda name: name not in OURS),
        st.text(min_size=1, max_size=400),
        max_size=3,
    ),
    attempt=st.integers(1, 1000),
    version=st.integers(1, 9),
    published=st.integers(0, 4_000_000_000_000),
)
def test_decoder_reads_every_property_and_header_back(
    *,
    body: bytes,
    ids: tuple[str, str, str],
    reply_to: str,
    extra: dict[str, str],
    attempt: int,
    version: int,
    published: int,
) -> None:
    envelope = Envelope(
        exchange="meeting.exchange",
        routing_key="meeting.join",
        body=body,
        type="meeting.join",
        message_id=ids[0],
        correlation_id=ids[1],
        causation_id=ids[2],
        reply_to=reply_to,
        attempt=attempt,
        first_published_ms=published,
        headers=extra,
        version=version,
    )
    method, header, *bodies = decoded(frames.publish(envelope, 3, 100))
    assert (method.exchange, method.routing_key, method.mandatory) == ("meeting.exchange", "meeting.join", True)
    assert b"".join(part.value for part in bodies) == body
    assert all(len(part.value) <= 100 for part in bodies)
    found = header.properties
    assert header.body_size == len(body)
    assert (found.message_id, found.correlation_id, found.reply_to or "") == (ids[0], ids[1], reply_to)
    assert (found.delivery_mode, found.content_type, found.message_type) == (2, "application/json", "meeting.join")
    assert (found.app_id, int(found.timestamp.timestamp())) == ("momo", published // 1000)
    wanted = {**extra, "x-attempt": attempt, "x-first-published-ms": published}
    if version > 1:
        wanted["x-contract-version"] = version
    if ids[2]:
        wanted["x-causation-id"] = ids[2]
    assert found.headers == wanted


def test_key_that_amqp_cannot_carry_is_refused() -> None:
    envelope = Envelope(
        exchange="", routing_key="x" * 256, body=b"", type="", message_id="", correlation_id="", first_published_ms=0
    )
    with pytest.raises(ValueError, match="255"):
        frames.publish(envelope, 1, 100)
