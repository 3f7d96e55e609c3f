"""The schedule: which faults strike together, and how often each."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from momo.chaos.schedule import draw, independent

KINDS = ("kill-worker", "kill-redis", "cut-redis", "slow-toss", "repeat-webhooks", "cut-mysql")


def test_every_kind_strikes_before_any_strikes_again() -> None:
    steps = draw(KINDS, random.Random(1))
    struck: list[str] = []
    while len(struck) < 3 * len(KINDS):
        struck += next(steps)
    assert set(Counter(struck[: 3 * len(KINDS)]).values()) == {3}


def test_same_seed_draws_the_same_schedule() -> None:
    first, again, other = (list(islice(draw(KINDS, random.Random(seed)), 30)) for seed in (1, 1, 2))
    assert first == again != other


def test_two_faults_strike_at_once_only_where_they_touch_different_parts() -> None:
    pairs = {step for step in islice(draw(KINDS, random.Random(3)), 200) if len(step) > 1}
    assert pairs
    assert all(independent(*pair) for pair in pairs)
    assert not independent("kill-redis", "cut-redis")
    assert not independent("slow-toss", "repeat-webhooks")
    assert not independent("kill-worker", "cut-mysql")
    assert independent("kill-redis", "repeat-webhooks")
