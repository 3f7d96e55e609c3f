"""`hot` and `spread`: the drain of one meeting that has fewer seats than members, and of many meetings."""

from __future__ import annotations

from momo.bench.drained import joined
from momo.bench.ground import Figures, Ground


async def hot(ground: Ground) -> Figures:
    """All joins on one meeting with seats for half of the members; the others end on its waitlist."""
    messages = ground.size.spread
    return (await joined(ground, messages, 1, capacity=messages // 2)).figures()


async def spread(ground: Ground) -> Figures:
    """The same number of joins on as many meetings as `Size.meetings` says."""
    return (await joined(ground, ground.size.spread, ground.size.meetings)).figures()
