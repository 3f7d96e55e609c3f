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

from momo.broker.envelope import Envelope
from momo.broker.publisher import PublishError
from momo.gateway.channels import Channels
from momo.gateway.metrics import Metrics
from momo.gateway.problems import problem
from momo.lag.backlogs import Backlogs
from momo.lag.depths import Depth
from momo.lag.tally import Tally

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.9
LONGEST_RETRY_SECONDS = 30


class Queues:
    """What is known of `names` since the last look. While Redis is away a gateway counts its own publishes alone, and
    lag looks larger than it is."""

    def __init__(
        self, url: str, names: Sequence[str], *, redis: Redis, channels: Channels, shed_lag: float, metrics: Metrics
    ) -> None:
        self.names = tuple(names)
        self._backlogs = Backlogs(url, names, redis=redis, healthy=lambda: channels.healthy)
        self._tally = Tally(redis, url, healthy=lambda: channels.healthy)
        self._shed_lag = shed_lag
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None
        for name, backlog in self._backlogs.counted.items():
            metrics.watch_lag(name, backlog)

    @property
    def depths(self) -> Mapping[str, Depth]:
        """By queue, at the last look; empty where the broker did not answer."""
        return self._backlogs.depths

    def published(self, envelopes: Sequence[Envelope]) -> None:
        """The broker has confirmed `envelopes`."""
        self._tally.confirmed(envelopes)
        second = int(time.time())
        for key, count in Counter(envelope.routing_key for envelope in envelopes).items():
            backlog = self._backlogs.counted.get(f"{key}.queue")
            if backlog is not None:
                backlog.publish(second, count)

    def admit(self, name: str) -> None:
        """Raises a 503 problem where what is sent to the queue now would wait for too long."""
        backlog = self._backlogs.counted[name]
        # a rate is worth something only where the queue has been busy for a while
        behind = max(backlog.age, backlog.wait if backlog.age > self._shed_lag / 2 else 0.0)
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
        await self._tally.tell()
        try:
            await self._backlogs.look()
        except PublishError as error:
            logger.info("%s", error)
        else:
            await self._backlogs.share({})

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="queues")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._tally.tell()
        await self._backlogs.stop()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)
