"""The guard: a queue is paused for its share of dead letters, not for their number alone."""

from __future__ import annotations

import pytest

from contracts.topology import Queue
from momo.broker.guard import LEAST, WINDOW_SECONDS, Guard
from tests.engine.counter import ADD, UNDO


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
    return Guard(paused.append, clock)


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
