"""Retries: the rungs of the ladder that a failed message waits on, and its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.topology import DELAYS_MS, queue_named
from momo.broker.retries import delay_ms

QUEUE = queue_named("meeting.join.queue")


@pytest.mark.parametrize(
    ("attempt", "chance", "expected"),
    [(1, 0.0, 500), (1, 0.5, 500), (1, 0.999, 1_000), (2, 0.0, 5_000), (2, 0.999, 5_000), (3, 0.5, None)],
)
def test_three_attempts_wait_longer_each_time_and_then_end(attempt: int, chance: float, expected: int | None) -> None:
    assert delay_ms(QUEUE, attempt, chance) == expected


@given(
    attempts=st.integers(1, 30),
    attempt=st.integers(1, 40),
    chances=st.tuples(*[st.floats(0, 1, exclude_max=True)] * 2),
)
def test_a_wait_is_a_rung_and_grows_with_attempt_and_chance(
    attempts: int, attempt: int, chances: tuple[float, float]
) -> None:
    queue = replace(QUEUE, attempts=attempts)
    low, high = (delay_ms(queue, attempt, chance) for chance in sorted(chances))
    if attempt >= attempts:
        assert low is high is None
        return
    assert low in DELAYS_MS
    assert high in DELAYS_MS
    assert low <= high
    later = delay_ms(queue, attempt + 1, min(chances))
    assert later is None or later >= low
