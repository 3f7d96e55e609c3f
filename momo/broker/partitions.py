"""Who consumes which partition: shared out evenly among the processes that are there, and moved when those change."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4
from zlib import crc32

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.topology import Queue
from momo.broker.consumer import Consumers
from momo.broker.partition import Partition
from momo.broker.publisher import PublishError
from momo.lag.depths import Depth, Depths

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 5.0
ABSENT_SECONDS = 3
"""A process that has not been heard of for so long has no share."""
MEMBERS = "momo.partitions."
"""With a queue's name, a sorted set in Redis: the processes that consume it, by when each was last there."""
PATIENT_LOOKS = 2
"""A partition that is nobody's or another's, or empty and retired, at so many looks in a row is so."""


class Partitions:
    """Sees to the partitions of `consumers`: each process consumes its share, and waits behind another's for when that
    one is gone.

    The broker itself sees to it that a partition has one consumer at a time, so processes may think differently of
    shares for a moment. Where Redis is away each process keeps what it has, and takes what nobody consumes.
    """

    def __init__(self, url: str, redis: Redis, consumers: Consumers) -> None:
        self._partitions = {queue: each for queue, each in consumers.partitions.items() if each}
        self._consumers = consumers
        self._redis = redis
        self._depths = Depths(url)
        self._me = uuid4().hex
        self._looks: Counter[tuple[str, str]] = Counter()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._partitions)

    async def run(self) -> None:
        """Begins and gives up partitions until cancelled."""
        names = [partition.name for each in self._partitions.values() for partition in each]
        while True:
            try:
                depths = await self._depths.count(names, seconds=ANSWER_SECONDS)
            except PublishError as error:
                log.info("%s", error)
            else:
                opened = self._consumers.connection
                for queue, partitions in self._partitions.items():
                    members = await self._members(queue)
                    if opened is not None:
                        await self._see_to(queue, partitions, members, depths, opened)
            await asyncio.sleep(LOOK_SECONDS)

    async def stop(self) -> None:
        """Leaves its shares to others."""
        await self._depths.stop()
        try:
            async with asyncio.timeout(1):
                for queue in self._partitions:
                    await self._redis.zrem(MEMBERS + queue.name, self._me)
        except (RedisError, OSError, TimeoutError) as error:
            log.info("others will see that this process is gone: %s", error)

    async def _members(self, queue: Queue) -> Sequence[str]:
        """The processes that consume `queue`, in an order that is the same for all; none where that is not known."""
        name = MEMBERS + queue.name
        try:
            now, _ = await self._redis.time()  # its clock: hosts' may differ
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(name, {self._me: now})
                pipeline.zremrangebyscore(name, "-inf", now - ABSENT_SECONDS)
                pipeline.expire(name, ABSENT_SECONDS * 2)
                pipeline.zrange(name, 0, -1)
                found = (await pipeline.execute())[-1]
        except (RedisError, OSError, TimeoutError) as error:
            log.info("who else consumes %s is not known: %s", queue.name, error)
            return ()
        return sorted(member.decode() for member in found)

    async def _see_to(
        self,
        queue: Queue,
        partitions: Iterable[Partition],
        members: Sequence[str],
        depths: Mapping[str, Depth],
        connection: Any,
    ) -> None:
        present = _present(queue, depths)
        for partition in partitions:
            depth = depths[partition.name]
            if partition.name not in present or depth.missing:
                await partition.give_up()
            elif partition.retired and self._often(partition, "empty", not depth.ready):
                await partition.delete()
            elif self._me in (heirs := _heirs(queue, present.index(partition.name), members)):
                await partition.begin(connection)
                # by then whose it is waits for its turn
                if self._often(partition, "another's", partition.given and heirs[0] != self._me):
                    await partition.give_up()
            elif partition.begun:
                if self._often(partition, "another's", bool(members)):
                    await partition.give_up()
            elif self._often(partition, "nobody's", not depth.consumers):
                await partition.begin(connection)

    def _often(self, partition: Partition, what: str, seen: bool) -> bool:
        """Whether that was seen at some looks in a row."""
        self._looks[partition.name, what] = self._looks[partition.name, what] + 1 if seen else 0
        return self._looks[partition.name, what] >= PATIENT_LOOKS


def _present(queue: Queue, depths: Mapping[str, Depth]) -> Sequence[str]:
    """The partitions that are consumed now: those of the oldest count of which any is left."""
    return next((names for names in queue.partition_queues if any(not depths[name].missing for name in names)), ())


def _heirs(queue: Queue, number: int, members: Sequence[str]) -> Sequence[str]:
    """Whose the partition of that number is, each process' in turn and from another one on for each queue; and who
    waits behind, to get it at once when that one is gone."""
    first = crc32(queue.name.encode()) + number
    return [members[(first + behind) % len(members)] for behind in range(min(2, len(members)))]
