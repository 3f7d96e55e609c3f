"""A queue's lag, from its depth and what was published to it, second by second."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from momo.gateway.lag import Lag

NOW = 1_000_000


def told(lag: Lag, counts: dict[int, int]) -> Lag:
    for second, count in counts.items():
        lag.publish(NOW + second, count)
    return lag


def test_an_empty_queue_has_no_lag() -> None:
    lag = told(Lag(60), {0: 500})
    lag.look(0, NOW + 1)
    assert (lag.age, lag.wait) == (0, 0)


def test_with_nobody_consuming_the_lag_is_the_age_of_the_first_message() -> None:
    lag = told(Lag(60), dict.fromkeys(range(20), 10))
    lag.look(200, NOW + 20)
    assert lag.age == 19  # published within the second before
    lag.look(200, NOW + 25)
    assert lag.age == 24


def test_what_waits_are_the_last_that_were_published() -> None:
    lag = told(Lag(60), dict.fromkeys(range(20), 10))
    lag.look(25, NOW + 20)
    assert lag.age == 2


def test_a_lone_message_after_a_quiet_hour_is_young() -> None:
    lag = told(Lag(60), {0: 1})
    lag.look(0, NOW + 1)
    lag.publish(NOW + 3600)
    lag.look(1, NOW + 3602)
    assert lag.age == 1


def test_messages_of_others_are_no_older_than_the_last_time_the_queue_was_empty() -> None:
    lag = Lag(60)
    lag.look(0, NOW)
    lag.look(7, NOW + 4)
    assert lag.age == 4


def test_what_other_gateways_published_counts() -> None:
    alone, informed = told(Lag(60), dict.fromkeys(range(20), 10)), told(Lag(60), dict.fromkeys(range(20), 10))
    informed.learn({NOW + second: 100 for second in range(20)})
    for lag in (alone, informed):
        lag.look(100, NOW + 20)
    assert (alone.age, informed.age) == (9, 0)


def test_a_gateway_that_starts_beside_a_long_queue_knows_its_age_from_the_others() -> None:
    lag = Lag(60)
    lag.learn({NOW + second: 10 for second in range(20)})
    lag.look(150, NOW + 20)
    assert lag.age == 14


def test_a_gateway_that_knows_nothing_counts_from_its_first_look() -> None:
    lag = Lag(60)
    lag.look(150, NOW + 20)
    assert lag.age == 0
    lag.look(150, NOW + 33)
    assert lag.age == 13


def test_the_wait_is_the_depth_at_the_rate_of_late() -> None:
    lag = told(Lag(60), {0: 1_000})
    for second in range(1, 6):
        lag.publish(NOW + second, 30)
        lag.look(1_000 + 20 * second, NOW + second)  # 10 a second are taken
    assert lag.wait == 110


def test_the_wait_is_not_known_while_nothing_is_taken() -> None:
    lag = told(Lag(60), {0: 100})
    for second in range(1, 6):
        lag.look(100, NOW + second)
    assert (lag.wait, lag.age) == (0, 4)


@given(
    publishes=st.lists(st.integers(0, 40), min_size=1, max_size=90),
    takes=st.lists(st.integers(0, 40), min_size=90, max_size=90),
)
def test_the_age_is_that_of_the_oldest_message_whatever_was_published_and_taken(
    publishes: list[int], takes: list[int]
) -> None:
    """Against a queue that is there: never off by more than the second in which a message is counted."""
    lag, queue = Lag(120), deque[int]()
    for second, (count, taken) in enumerate(zip(publishes, takes, strict=False)):
        lag.publish(NOW + second, count)
        queue.extend([second] * count)
        for _ in range(min(taken, len(queue))):
            queue.popleft()
        lag.look(len(queue), NOW + second + 1)
        assert lag.age == (second - queue[0] if queue else 0)


def test_what_is_long_ago_is_forgotten() -> None:
    lag = Lag(60)
    for second in range(1_000):
        lag.publish(NOW + second)
        lag.learn({NOW + second: 1})
        lag.look(0, NOW + second)
    assert len(lag._own) <= 61
    assert len(lag._all) <= 61
