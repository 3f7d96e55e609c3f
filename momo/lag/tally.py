"""The tally: what this process has put into each queue, counted by second, and told to all others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter

from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.broker.envelope import Envelope
from momo.lag.backlog import SECONDS_KEPT
from momo.lag.destinations import destinations
from momo.lag.told import Counts, Told
from momo.settings import Settings
from momo.steady import SteadyConnection

log = logging.getLogger(__name__)

TELL_SECONDS = 0.9
LAST_SECONDS = 1.0
_place = attrgetter("exchange", "routing_key")


class Tally:
    """Counts what the broker has confirmed. While Redis is away it keeps the counts of the last hour. `healthy` says
    whether Redis is worth asking."""

    def __init__(self, redis: Redis, url: str, *, healthy: Callable[[], bool] = lambda: True) -> None:
        self._told = Told(redis, url)
        self._healthy = healthy
        self._untold: Counter[tuple[int, str]] = Counter()
        self._away = False
        self._task: asyncio.Task[None] | None = None

    def confirmed(self, envelopes: Sequence[Envelope]) -> None:
        """The broker has confirmed `envelopes` just now."""
        now = time.time()
        for place, count in Counter(map(_place, envelopes)).items():
            for queue, later in destinations(*place):
                self._untold[int(now + later), queue] += count

    async def tell(self) -> None:
        """Tells what has not been told yet, if Redis is there."""
        counts, self._untold = self._untold, Counter()
        if not counts:
            return
        if not self._healthy():
            self._keep(counts)
            return
        try:
            await self._told.tell(counts)
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                log.warning("what is published is not told to others meanwhile: %s", error)
            self._away = True
            # had it been carried out though no answer came, its queue would look a little younger than it is
            self._keep(counts)
        else:
            self._away = False

    def _keep(self, counts: Counts) -> None:
        oldest = int(time.time()) - SECONDS_KEPT
        self._untold.update({of: count for of, count in counts.items() if of[0] >= oldest})

    def start(self) -> None:
        """From now on tells about once a second."""
        self._task = asyncio.create_task(self._run(), name="tally")

    async def stop(self) -> None:
        """Tells the rest, if Redis is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self.tell()
        except TimeoutError:
            log.info("Redis does not answer; what was published last is not told")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            await self.tell()


@asynccontextmanager
async def counted(settings: Settings) -> AsyncIterator[Tally]:
    """A tally that tells while the block runs, over a connection of its own."""
    redis = Redis.from_url(
        settings.redis_url, socket_timeout=2, socket_connect_timeout=2, connection_class=SteadyConnection
    )
    tally = Tally(redis, settings.amqp_url)
    tally.start()
    try:
        yield tally
    finally:
        await tally.stop()
        await redis.aclose()
