"""Retries: what becomes of a message that raised, as a pure decision."""

from __future__ import annotations

from contracts.topology import DELAYS_MS, Queue

FIRST_MS = 500
FACTOR = 6


def delay_ms(queue: Queue, attempt: int, chance: float) -> int | None:
    """The rung of the delay ladder (ms) to wait after `attempt` (from 1) has failed, or None: a dead letter now.

    Exponential back-off from 500 ms by 6, half to one and a half of it by `chance` (0 ≤ chance < 1), then the next rung
    up, so that messages which failed together do not come back together.
    """
    if attempt >= queue.attempts:
        return None
    wished = FIRST_MS * FACTOR ** (attempt - 1) * (0.5 + chance)
    return next((rung for rung in DELAYS_MS if rung >= wished), DELAYS_MS[-1])
