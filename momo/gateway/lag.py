"""How far behind a queue is, told from its depth and from what gateways have published to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

LOOKS = 6
"""The drain rate is taken between the last so many looks."""


class Lag:
    """One queue's lag in seconds. Times are Unix times.

    A queue gives first what came first. So the n messages that wait are the last n that were published, and the oldest
    of them is as old as the n-th last publish. That needs nobody's word but the broker's, and holds while nothing is
    consumed. What others than gateways publish is not counted: it makes the lag look larger, but the oldest message
    never older than the moment at which the queue was last seen empty, or seen at all.
    """

    def __init__(self, kept: int) -> None:
        self.age = 0.0
        """Of the oldest message that waits, to a second."""
        self.wait = 0.0
        """What a message that comes now has before it, at the drain rate of late; 0 where that is not known."""
        self._kept = kept
        self._own: dict[int, int] = {}
        self._all: dict[int, int] = {}
        self._forgotten = 0
        self._began = 0.0
        self._empty_at = 0.0
        self._looks: deque[tuple[float, int, int]] = deque(maxlen=LOOKS)

    def publish(self, second: int, count: int = 1) -> None:
        """This process has published `count` messages in `second`."""
        self._own[second] = self._own.get(second, 0) + count

    def learn(self, counts: Mapping[int, int]) -> None:
        """What all gateways together have published, by second."""
        self._all.update(counts)

    def look(self, depth: int, now: float) -> None:
        """`depth` messages wait at `now`."""
        self._forget(int(now) - self._kept)
        self._began = self._began or now
        if depth == 0:
            self._empty_at = now
        self.age = max(0.0, now - (max(self._empty_at, self._oldest(depth)) or self._began))
        total = self._forgotten + sum(map(self._count, self._seconds()))
        self._looks.append((now, depth, total))
        began, before, published = self._looks[0]
        taken = before + total - published - depth
        self.wait = depth * (now - began) / taken if taken > 0 and depth else 0.0

    def _oldest(self, depth: int) -> float:
        """When the `depth`-th last message was published at the latest; 0 where that is too long ago to know."""
        for second in sorted(self._seconds(), reverse=True):
            depth -= self._count(second)
            if depth <= 0:
                return second + 1
        return 0.0

    def _seconds(self) -> set[int]:
        return self._own.keys() | self._all.keys()

    def _count(self, second: int) -> int:
        return max(self._own.get(second, 0), self._all.get(second, 0))

    def _forget(self, before: int) -> None:
        for second in [second for second in self._seconds() if second < before]:
            self._forgotten += self._count(second)
            self._own.pop(second, None)
            self._all.pop(second, None)
