"""The outbox's rows: envelopes come out as they went in, in order, in rows that a database takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from momo.actors.outbox import MOST_BYTES, OVERHEAD, pack, parts, unpack
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from tests.engine.counter import add

ENVELOPE = replace(seal(add(1), message_id=fresh_id()), headers={"a": "모모"}, attempt=2, traceparent="00-a-b-01")


def test_an_envelope_comes_out_as_it_went_in() -> None:
    assert unpack(pack([ENVELOPE, ENVELOPE])) == [ENVELOPE, ENVELOPE]


@given(sizes=st.lists(st.sampled_from([0, 10, MOST_BYTES // 3, MOST_BYTES - OVERHEAD, MOST_BYTES, MOST_BYTES * 2])))
def test_rows_keep_all_in_order_and_are_only_too_long_where_one_message_is(sizes: list[int]) -> None:
    envelopes = [replace(ENVELOPE, body=b"x" * size) for size in sizes]
    rows = [list(part) for part in parts(envelopes)]
    assert [envelope for row in rows for envelope in row] == envelopes
    assert all(len(row) == 1 or sum(len(e.body) + OVERHEAD for e in row) <= MOST_BYTES for row in rows)
    assert all(rows)
