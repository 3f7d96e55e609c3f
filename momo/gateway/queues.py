"""The queues that this gateway's commands go to: consumed or not, how far behind, and closed to more while they lag."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.broker.envelope import Envelope
from momo.broker.publisher import PublishError
from momo.gateway.channels import Channels
from momo.gateway.depths import Depth, Depths
from momo.gateway.lag import Lag
from momo.gateway.metrics import Metrics
from momo.gateway.problems import problem

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.9
LONGEST_LOOK_SECONDS = 5.0
"""A broker that does not count its queues in so long is away; a busy one takes its time."""
LATE_SECONDS = 3
"""Other gateways have told of a second after so many more."""
LONGEST_RETRY_SECONDS = 30


class Queues:
    """What is known of `names` since the last look. Gateways tell each other through Redis how much they publish; while
    Redis is away each counts its own alone, and lag looks larger than it is."""

    def __init__(
        self, url: str, names: Sequence[str], *, redis: Redis, channels: Channels, shed_lag: float, metrics: Metrics
    ) -> None:
        self.names = tuple(names)
        self.depths: Mapping[str, Depth] = {}
        """By queue, at the last look; empty where the broker did not answer."""
        self._kept = math.ceil(2 * shed_lag) + 10
        self._lags = {name: Lag(self._kept) for name in names}
        self._counter = Depths(url)
        self._redis = redis
        self._channels = channels
        self._shed_lag = shed_lag
        self._metrics = metrics
        self._untold: Counter[tuple[int, str]] = Counter()
        self._heard = 0
        self._task: asyncio.Task[None] | None = None
        for name, lag in self._lags.items():
            metrics.watch_lag(name, lag)

    def published(self, envelopes: Sequence[Envelope]) -> None:
        """The broker has confirmed `envelopes`."""
        second = int(time.time())
        for key, count in Counter(envelope.routing_key for envelope in envelopes).items():
            name = f"{key}.queue"
            if name in self._lags:
                self._lags[name].publish(second, count)
                self._untold[second, name] += count

    def admit(self, name: str) -> None:
        """Raises a 503 problem where what is sent to the queue now would wait for too long."""
        lag = self._lags[name]
        # a rate is worth something only where the queue has been busy for a while
        behind = max(lag.age, lag.wait if lag.age > self._shed_lag / 2 else 0.0)
        if behind <= self._shed_lag:
            return
        self._metrics.shed.labels(name).inc()
        # not all of them at the same moment
        seconds = min(LONGEST_RETRY_SECONDS, math.ceil(behind - self._shed_lag) + random.randint(0, 2))  # noqa: S311
        raise problem(
            "overloaded",
            "Too much is waiting",
            503,
            f"Commands of this kind wait for {behind:.0f} s now. Nothing was done: send the same request again in"
            f" {seconds} s, with the same Idempotency-Key.",
            headers={"Retry-After": str(seconds)},
        )

    async def look(self) -> None:
        """Looks at every queue once."""
        await self._share()
        try:
            self.depths = await self._counter.count(self.names, seconds=LONGEST_LOOK_SECONDS)
        except PublishError as error:
            logger.info("%s", error)
            self.depths = {}
        now = time.time()
        for name, depth in self.depths.items():
            self._lags[name].look(depth.ready, now)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="queues")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._counter.stop()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def _share(self) -> None:
        """Tells the other gateways what this one has published, and hears what all have."""
        told, self._untold = self._untold, Counter()
        if not self._channels.healthy:
            return
        now = int(time.time())
        seconds = range(max(now - self._kept, self._heard - LATE_SECONDS), now + 1)
        pipe = self._redis.pipeline(transaction=False)
        for (second, name), count in told.items():
            pipe.hincrby(_key(second), name, count)
            pipe.expire(_key(second), self._kept)
        for second in seconds:
            pipe.hgetall(_key(second))
        try:
            answers = (await pipe.execute())[-len(seconds) :]
        except RedisError as error:
            logger.info("other gateways' publishes are not known: %s", error)
            return
        self._heard = now
        for name, lag in self._lags.items():
            field = name.encode()
            lag.learn({second: int(counts.get(field, 0)) for second, counts in zip(seconds, answers, strict=True)})


def _key(second: int) -> str:
    """Where gateways count what they publish in a second: a hash by queue."""
    return f"published:{second}"
