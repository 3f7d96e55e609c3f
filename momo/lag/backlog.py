"""One queue's backlog: how old the oldest message is, from its depth and from what has been published, by second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

LOOKS = 6
"""Rates are taken between the last so many looks."""
LATE_SECONDS = 10
"""Counts of a second may still grow for so long."""
SECONDS_KEPT = 3_600
"""Older counts are kept by minute."""
SURE_LOOKS = 3
"""So many looks at an empty queue without consumers make it empty: one may be a busy broker's way of not answering."""


class Backlog:
    """What is known of one queue. Times are Unix times, ages in seconds, rates per second.

    A queue gives first what came first. So the n messages that wait are the last n that were published, and the oldest
    of them is as old as the n-th last publish. That needs nobody's word but the broker's, and holds while nothing is
    consumed. What nobody has told of makes the oldest message look older, but never older than the moment at which the
    queue was last seen empty, or than what was found to be its oldest message before, or seen at all.
    """

    def __init__(self) -> None:
        self.messages = 0
        self.age = 0.0
        """Of the oldest message that waits, to a second."""
        self.since = 0.0
        """The oldest message that waits came no earlier; 0: not known yet."""
        self.wait = 0.0
        """What a message that comes now has before it, at the drain rate of late; 0 where that is not known."""
        self.published_rate = 0.0
        self.handled_rate = 0.0
        self._own: dict[int, int] = {}
        self._counts: dict[int, int] = {}
        self._minutes: dict[int, int] = {}
        self._published = 0
        self._looks: deque[tuple[float, int, int]] = deque(maxlen=LOOKS)
        self._deserted = 0

    def publish(self, second: int, count: int = 1) -> None:
        """This process has published `count` messages in `second`."""
        self._own[second] = self._own.get(second, 0) + count
        self._count(second, self._own[second])

    def learn(self, counts: Mapping[int, int]) -> None:
        """What all processes together have published, by second."""
        for second, count in counts.items():
            self._count(second, count)

    def recall(self, seconds: Mapping[int, int], minutes: Mapping[int, int]) -> None:
        """The same of all the time that is known of, older counts by the first second of their minute: in place of what
        was learned so far."""
        self._counts = dict(self._own)
        self._minutes = dict(minutes)
        self.learn(seconds)
        self.unsettle()

    def unsettle(self) -> None:
        """What is learned now are counts of long ago: no rate can be told from them."""
        self._looks.clear()

    def no_older(self, moment: float) -> None:
        """Somebody knows that what waits came at `moment` or later."""
        self.since = max(self.since, moment)

    def look(self, messages: int, now: float, *, consumers: int = 1) -> None:
        """`messages` wait at `now`, and `consumers` are there to take them."""
        self._deserted = 0 if messages or consumers else self._deserted + 1
        self.messages = messages
        if messages:
            self.since = min(now, max(self.since, self._oldest(messages, now))) or now
        elif consumers or self._deserted >= SURE_LOOKS:
            self.since = now
        self.age = now - self.since if messages else 0.0
        self._forget(now)
        self._rates(now)

    def _rates(self, now: float) -> None:
        self._looks.append((now, self.messages, self._published))
        began, before, published = self._looks[0]
        passed = now - began
        came = max(self._published - published, self.messages - before)
        taken = before + came - self.messages
        self.published_rate = came / passed if passed else 0.0
        self.handled_rate = taken / passed if passed else 0.0
        self.wait = self.messages / self.handled_rate if self.handled_rate else 0.0

    def _count(self, second: int, count: int) -> None:
        known = self._counts.get(second, 0)
        if count > known:
            self._counts[second] = count
            self._published += count - known

    def _oldest(self, messages: int, now: float) -> float:
        """When the `messages`-th last message was published at the latest; 0 where that is too long ago to know."""
        for span, counts in ((1, self._counts), (60, self._minutes)):
            for start in sorted(counts, reverse=True):
                if start <= now:
                    messages -= counts[start]
                if messages <= 0:
                    return start + span
        return 0.0

    def _forget(self, now: float) -> None:
        """What came before the oldest message says nothing more of it."""
        needed = min(int(self.since), int(now) - LATE_SECONDS)
        for second in [second for second in self._counts if second < needed]:
            del self._counts[second]
        for minute in [minute for minute in self._minutes if minute + 60 <= needed]:
            del self._minutes[minute]
        boundary = seconds_from(now)
        for second in [second for second in self._counts if second < boundary]:
            minute = second // 60 * 60
            self._minutes[minute] = self._minutes.get(minute, 0) + self._counts.pop(second)
        for second in [second for second in self._own if second not in self._counts]:
            del self._own[second]


def seconds_from(now: float) -> int:
    """From when counts are kept by second: the beginning of a minute. What is older is kept by minute."""
    return (int(now) - SECONDS_KEPT) // 60 * 60
