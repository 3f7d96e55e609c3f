"""What processes tell each other through Redis about queues: how much came into each, second by second, and since when
the oldest message of each waits, as far as somebody has seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from momo.broker.management import vhost_of
from momo.lag.backlog import SECONDS_KEPT

MINUTES_KEPT = 24 * 3_600
"""Seconds for which counts by minute are kept."""
SINCE_KEPT = 7 * 24 * 3_600
AT_ONCE = 100
"""Hashes read in one pipeline, so that the loop goes on between two."""
SLACK = 60
"""Seconds that a count outlives the time for which it is asked for."""

Counts = Mapping[tuple[int, str], int]
"""Messages by Unix second and queue."""


class Told:
    """Of the queues of one virtual host: `url` is the broker's. Methods raise RedisError. All of it may be lost."""

    def __init__(self, redis: Redis, url: str) -> None:
        self._redis = redis
        self._prefix = f"momo.lag.{vhost_of(url)}"

    async def tell(self, counts: Counts) -> None:
        """Adds `counts`, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        for (second, queue), count in counts.items():
            pipe.hincrby(self._second(second), queue, count)
            pipe.hincrby(self._minute(second), queue, count)
        for second in {second for second, _ in counts}:
            pipe.expireat(self._second(second), second + SECONDS_KEPT + SLACK)
            pipe.expireat(self._minute(second), second + MINUTES_KEPT + SLACK)
        await pipe.execute()

    async def seconds(self, which: Sequence[int]) -> dict[str, dict[int, int]]:
        """What came in each of the seconds, by queue."""
        return await self._read(which, self._second)

    async def minutes(self, which: Sequence[int]) -> dict[str, dict[int, int]]:
        """What came in each of the minutes that begin so, by queue."""
        return await self._read(which, self._minute)

    async def since(self) -> dict[str, float]:
        """By queue, the Unix time before which nothing of what waits has come."""
        found: dict[Any, Any] = await self._redis.hgetall(f"{self._prefix}.since")
        return {queue.decode(): float(moment) for queue, moment in found.items()}

    async def tell_since(self, moments: Mapping[str, float]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(f"{self._prefix}.since", mapping={queue: f"{moment:.3f}" for queue, moment in moments.items()})
        pipe.expire(f"{self._prefix}.since", SINCE_KEPT)
        await pipe.execute()

    async def _read(self, which: Sequence[int], key: Any) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {}
        for start in range(0, len(which), AT_ONCE):
            part = which[start : start + AT_ONCE]
            pipe = self._redis.pipeline(transaction=False)
            for moment in part:
                pipe.hgetall(key(moment))
            _merge(found, part, await pipe.execute())
        return found

    def _second(self, second: int) -> str:
        return f"{self._prefix}.second.{second}"

    def _minute(self, second: int) -> str:
        return f"{self._prefix}.minute.{second // 60 * 60}"


def _merge(found: dict[str, dict[int, int]], moments: Iterable[int], answers: Iterable[Mapping[bytes, bytes]]) -> None:
    for moment, counts in zip(moments, answers, strict=True):
        for queue, count in counts.items():
            found.setdefault(queue.decode(), {})[moment] = int(count)
