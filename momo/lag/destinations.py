"""Where a publish ends up: the queues that take it, and how much later where it waits on the delay ladder first.

Dead letters lead nowhere: they leave their queues in any order, so to count them tells nothing of the oldest.
"""

from __future__ import annotations

from functools import lru_cache

from contracts.topology import DELAYS_MS, QUEUES
from momo.broker.failures import delay_exchange

_DELAYS = {delay_exchange(milliseconds): milliseconds / 1000 for milliseconds in DELAYS_MS}
_BOUND: dict[tuple[str, str], list[str]] = {}
for _queue in QUEUES:
    _BOUND.setdefault((_queue.exchange, _queue.key), []).append(_queue.name)


@lru_cache(maxsize=4096)
def destinations(exchange: str, routing_key: str) -> tuple[tuple[str, float], ...]:
    """Each queue whose messages are counted that gets a message, with the seconds until it does."""
    if not exchange:
        return ((routing_key, 0.0),)
    delay = _DELAYS.get(exchange)
    if delay is not None:
        return (exchange, 0.0), (routing_key, delay)
    return tuple((name, 0.0) for name in _BOUND.get((exchange, routing_key), ()))
