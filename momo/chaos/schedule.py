"""The schedule: which faults strike, in which order, and which at the same time. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

TOGETHER = 0.3
"""How often a fault has company, where there is one that it does not touch."""
SPARE = {"redis": "redis", "toss": "toss", "webhooks": "toss"}
"""A word in a kind's name that says that its fault leaves processes, broker and database alone; and what it touches."""


def draw(kinds: Sequence[str], chance: random.Random) -> Iterator[tuple[str, ...]]:
    """Steps without end, of one kind or two: every kind comes once before any comes again."""
    while True:
        deck = sorted(kinds)
        chance.shuffle(deck)
        while deck:
            first = deck.pop()
            company = [kind for kind in deck if independent(first, kind)]
            if company and chance.random() < TOGETHER:
                second = chance.choice(company)
                deck.remove(second)
                yield first, second
            else:
                yield (first,)


def independent(first: str, second: str) -> bool:
    """Whether one of the two touches only Redis, or only Toss, and the other does not touch the same."""
    parts = [next((part for word, part in SPARE.items() if word in kind.split("-")), "") for kind in (first, second)]
    return any(parts) and parts[0] != parts[1]
