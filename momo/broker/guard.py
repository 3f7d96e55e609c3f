"""The guard of a queue: too large a share of dead letters pauses it before all of it is dead."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from contracts.topology import Queue

WINDOW_SECONDS = 60.0


class Guard:
    """Watches one process's queues. `pause` is called once a queue's dead letters within a minute are at least `least`
    in number and the `share` (0 to 1) of all that it handled."""

    def __init__(
        self,
        pause: Callable[[Queue], None],
        *,
        share: float,
        least: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self._share = share
        self._least = least
        self._clock = clock
        self._handled: dict[Queue, deque[tuple[float, int]]] = {}
        self._dead: dict[Queue, deque[tuple[float, int]]] = {}

    def handled(self, queue: Queue, count: int = 1) -> None:
        handled = self._handled.setdefault(queue, deque())
        handled.append((self._clock(), count))
        self._forget(handled)

    def dead(self, queue: Queue) -> None:
        self._dead.setdefault(queue, deque()).append((self._clock(), 1))
        dead, handled = self._sum(self._dead, queue), self._sum(self._handled, queue)
        if dead >= self._least and dead >= self._share * (dead + handled):
            self._dead[queue].clear()
            self._pause(queue)

    def _sum(self, counts: dict[Queue, deque[tuple[float, int]]], queue: Queue) -> int:
        entries = counts.get(queue)
        if entries is None:
            return 0
        self._forget(entries)
        return sum(count for _, count in entries)

    def _forget(self, entries: deque[tuple[float, int]]) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while entries and entries[0][0] < oldest:
            entries.popleft()
