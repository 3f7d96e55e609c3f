"""A queue's backlog, from its depth and what was published to it, second by second."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from momo.lag.backlog import Backlog

NOW = 1_000_000


def told(lag: Backlog, counts: dict[int, int]) -> Backlog:
    for second, count in counts.items():
        lag.publish(NOW + second, count)
    return lag


def test_an_empty_queue_has_no_lag() -> None:
    lag = told(Backlog(), {0: 500})
    lag.look(0, NOW + 1)
    assert (lag.age, lag.wait) == (0, 0)


def test_with_nobody_consuming_the_lag_is_the_age_of_the_first_message() -> None:
    lag = told(Backlog(), dict.fromkeys(range(20), 10))
    lag.look(200, NOW + 20)
    assert lag.age == 19  # published within the second before
    lag.look(200, NOW + 25)
    assert lag.age == 24


def test_what_waits_are_the_last_that_were_published() -> None:
    lag = told(Backlog(), dict.fromkeys(range(20), 10))
    lag.look(25, NOW + 20)
    assert lag.age == 2


def test_a_lone_message_after_a_quiet_hour_is_young() -> None:
    lag = told(Backlog(), {0: 1})
    lag.look(0, NOW + 1)
    lag.publish(NOW + 3600)
    lag.look(1, NOW + 3602)
    assert lag.age == 1


def test_messages_of_others_are_no_older_than_the_last_time_the_queue_was_empty() -> None:
    lag = Backlog()
    lag.look(0, NOW)
    lag.look(7, NOW + 4)
    assert lag.age == 4


def test_what_other_gateways_published_counts() -> None:
    alone, informed = told(Backlog(), dict.fromkeys(range(20), 10)), told(Backlog(), dict.fromkeys(range(20), 10))
    informed.learn({NOW + second: 100 for second in range(20)})
    for lag in (alone, informed):
        lag.look(100, NOW + 20)
    assert (alone.age, informed.age) == (9, 0)


def test_a_gateway_that_starts_beside_a_long_queue_knows_its_age_from_the_others() -> None:
    lag = Backlog()
    lag.learn({NOW + second: 10 for second in range(20)})
    lag.look(150, NOW + 20)
    assert lag.age == 14


def test_a_gateway_that_knows_nothing_counts_from_its_first_look() -> None:
    lag = Backlog()
    lag.look(150, NOW + 20)
    assert lag.age == 0
    lag.look(150, NOW + 33)
    assert lag.age == 13


def test_the_wait_is_the_depth_at_the_rate_of_late() -> None:
    lag = told(Backlog(), {0: 1_000})
    for second in range(1, 6):
        lag.publish(NOW + second, 30)
        lag.look(1_000 + 20 * second, NOW + second)  # 10 a second are taken
    assert lag.wait == 110


def test_the_wait_is_not_known_while_nothing_is_taken() -> None:
    lag = told(Backlog(), {0: 100})
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
    lag, queue = Backlog(), deque[int]()
    for second, (count, taken) in enumerate(zip(publishes, takes, strict=False)):
        lag.publish(NOW + second, count)
        queue.extend([second] * count)
        for _ in range(min(taken, len(queue))):
            queue.popleft()
        lag.look(len(queue), NOW + second + 1)
        assert lag.age == (second - queue[0] if queue else 0)


def test_what_is_long_ago_is_forgotten() -> None:
    lag = Backlog()
    for second in range(1_000):
        lag.publish(NOW + second)
        lag.learn({NOW + second: 1})
        lag.look(0, NOW + second)
    assert len(lag._own) <= 61
    assert len(lag._counts) <= 61


def test_an_empty_answer_without_consumers_is_not_believed_at_once() -> None:
    """A quorum queue's leader that is busy for a quarter of a second makes the broker answer 0 and 0."""
    lag = told(Backlog(), {0: 9})
    lag.look(9, NOW + 1, consumers=2)
    lag.look(0, NOW + 60, consumers=0)
    lag.look(9, NOW + 61, consumers=2)
    assert lag.age == 60
    for second in (62, 63, 64):
        lag.look(0, NOW + second, consumers=0)
    lag.look(1, NOW + 70)
    assert lag.age == 6


def test_the_oldest_message_never_grows_older_than_time_passes() -> None:
    """Counts that come late must not make what is young look old."""
    lag = told(Backlog(), {0: 3})
    lag.look(3, NOW + 1_000)
    lag.learn({NOW + 999: 500})
    lag.look(400, NOW + 1_001)
    assert lag.age == 1
    lag.look(600, NOW + 1_002)  # a hundred of whom nobody has told yet
    assert lag.age == 2


def test_counts_older_than_an_hour_are_kept_by_minute() -> None:
    lag = told(Backlog(), dict.fromkeys(range(7_200), 1))
    lag.look(7_200, NOW + 7_200)
    assert len(lag._counts) < 3_700
    lag.look(5_000, NOW + 7_200)
    assert 4_940 <= lag.age <= 5_000
    lag.look(100, NOW + 7_200)
    assert lag.age == 99


def test_what_is_recalled_takes_the_place_of_what_was_learned() -> None:
    lag = told(Backlog(), {0: 5})
    lag.learn({NOW: 9})
    lag.recall({NOW: 9}, {NOW - 36_000: 3})
    lag.look(12, NOW + 1)
    assert 35_900 <= lag.age <= 36_001
