"""The guard: a queue is paused for its share of dead letters, not for their number alone."""

from __future__ import annotations

import pytest

from contracts.topology import Queue
from momo.broker.guard import WINDOW_SECONDS, Guard
from momo.settings import SettingsError, load
from tests.engine.counter import ADD, UNDO

LEAST = 20


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def paused() -> list[Queue]:
    return []


@pytest.fixture
def guard(clock: Clock, paused: list[Queue]) -> Guard:
    return Guard(paused.append, share=0.5, least=LEAST, clock=clock)


def test_a_few_dead_letters_pause_nothing(guard: Guard, paused: list[Queue]) -> None:
    for _ in range(LEAST - 1):
        guard.dead(ADD)
    assert paused == []


def test_a_queue_that_only_dies_is_paused_once(guard: Guard, paused: list[Queue]) -> None:
    for _ in range(LEAST + 5):
        guard.dead(ADD)
    assert paused == [ADD]


def test_a_small_share_pauses_nothing(guard: Guard, paused: list[Queue]) -> None:
    guard.handled(ADD, 1_000)
    for _ in range(500):
        guard.dead(ADD)
    assert paused == []


def test_half_is_too_much(guard: Guard, paused: list[Queue]) -> None:
    guard.handled(ADD, 40)
    for number in range(1, 41):
        guard.dead(ADD)
        assert paused == ([ADD] if number == 40 else [])


def test_what_was_long_ago_does_not_count(guard: Guard, paused: list[Queue], clock: Clock) -> None:
    guard.handled(ADD, 1_000)
    for _ in range(LEAST - 1):
        guard.dead(ADD)
    clock.now += WINDOW_SECONDS + 1
    guard.dead(ADD)
    assert paused == []
    for _ in range(LEAST - 1):
        guard.dead(ADD)
    assert paused == [ADD]


def test_queues_are_watched_apart(guard: Guard, paused: list[Queue]) -> None:
    guard.handled(UNDO, 1_000)
    for _ in range(LEAST):
        guard.dead(ADD)
        guard.dead(UNDO)
    assert paused == [ADD]


def test_share_and_least_count_are_settable(clock: Clock, paused: list[Queue]) -> None:
    guard = Guard(paused.append, share=0.1, least=3, clock=clock)
    guard.handled(ADD, 27)
    for _ in range(2):
        guard.dead(ADD)
    assert paused == []
    guard.dead(ADD)
    assert paused == [ADD]


def test_a_share_that_is_none_is_refused() -> None:
    for value in ("0", "1.5", "half"):
        with pytest.raises(SettingsError, match="dead_letter_share"):
            load({"MOMO_DEAD_LETTER_SHARE": value})
