"""The backlogs of some queues: looked at on the broker, and known from what all processes tell of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.broker.publisher import PublishError
from momo.lag.backlog import Backlog, seconds_from
from momo.lag.depths import Depth, Depths
from momo.lag.told import MINUTES_KEPT, Told

log = logging.getLogger(__name__)

LONGEST_LOOK_SECONDS = 5.0
"""A broker that does not count its queues in so long is away; a busy one takes its time."""
LATE_SECONDS = 3.0
"""Others have told of a second after so many more."""
CATCHING_UP_SECONDS = 5.0
"""When Redis was away, others have told of that time so long after it is back."""
AHEAD_SECONDS = 2.0
"""Clocks may differ by so much; what somebody says of a time further ahead is not heard."""
STEP_SECONDS = 0.5
"""Smaller changes are not worth telling."""


class Backlogs:
    """The queues called `counted`, whose messages are counted as they are published, and the dead-letter queues called
    `letters`. While Redis is away, this process' own counts are all there is, and what waits looks older than it is."""

    def __init__(
        self,
        url: str,
        counted: Sequence[str],
        letters: Sequence[str] = (),
        *,
        redis: Redis,
        healthy: Callable[[], bool] = lambda: True,
    ) -> None:
        self.counted = {name: Backlog() for name in counted}
        self.letters = {name: Backlog() for name in letters}
        self.depths: Mapping[str, Depth] = {}
        """At the last look; empty where the broker did not answer."""
        self.heard = False
        """Whether Redis answered at the last look."""
        self._all = self.counted | self.letters
        self._depths = Depths(url)
        self._told = Told(redis, url)
        self._healthy = healthy
        self._since: dict[str, float] = {}
        self._complete = 0.0
        self._catching_up = 0.0

    async def look(self) -> None:
        """Looks at every queue once. Raises PublishError where the broker does not answer."""
        try:
            self.depths = await self._depths.count(self._all, seconds=LONGEST_LOOK_SECONDS)
        except PublishError:
            self.depths = {}
            raise
        finally:
            await self._hear()
        now = time.time()
        for name, depth in self.depths.items():
            # who consumes dead letters looks at them, and puts them back
            if name in self.counted or not depth.consumers:
                self._all[name].look(depth.ready, now, consumers=depth.consumers)

    async def share(self, letters: Mapping[str, float]) -> None:
        """Tells others since when messages wait: of the dead-letter queues in `letters` what those say."""
        known = {name: backlog.since for name, backlog in self._all.items()}
        news = {name: moment for name, moment in known.items() if moment > self._since.get(name, 0.0) + STEP_SECONDS}
        news |= {name: at for name, at in letters.items() if abs(at - self._since.get(name, 0.0)) > STEP_SECONDS}
        if news and self.heard:
            try:
                await self._told.tell_since(news)
            except (RedisError, OSError, TimeoutError) as error:
                log.info("others are not told since when messages wait: %s", error)

    async def stop(self) -> None:
        await self._depths.stop()

    async def _hear(self) -> None:
        now = time.time()
        self.heard = False
        if self._healthy():
            try:
                self._since = await self._told.since()
                for name, moment in self._since.items():
                    if name in self._all and moment <= now + AHEAD_SECONDS:
                        self._all[name].no_older(min(moment, now))
                await self._learn(now)
                self.heard = True
            except (RedisError, OSError, TimeoutError) as error:
                log.info("what others have published is not known: %s", error)
        if not self.heard:
            self._catching_up = now + CATCHING_UP_SECONDS
        elif now > self._catching_up:
            self._complete = now - LATE_SECONDS

    async def _learn(self, now: float) -> None:
        first = seconds_from(now)
        if self._complete < first:
            await self._recall(first, now)
            return
        heard = await self._told.seconds(range(int(self._complete), int(now) + 1))
        for name, backlog in self.counted.items():
            backlog.learn(heard.get(name, {}))
            if now <= self._catching_up:
                backlog.unsettle()

    async def _recall(self, first: int, now: float) -> None:
        """What is known of the time since the oldest message that waits can have come: all there is, if that may be."""
        waiting = [backlog.since for name, backlog in self.counted.items() if self._waits(name)]
        oldest = min(waiting, default=now - LATE_SECONDS)
        begin = int(max(oldest, now - MINUTES_KEPT)) // 60 * 60
        seconds = await self._told.seconds(range(max(first, begin), int(now) + 1))
        minutes = await self._told.minutes(range(begin, first, 60))
        for name, backlog in self.counted.items():
            backlog.recall(seconds.get(name, {}), minutes.get(name, {}))

    def _waits(self, name: str) -> bool:
        return name in self.depths and self.depths[name].ready > 0
