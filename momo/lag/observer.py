"""The observer: one look gives a snapshot of all that waits, in queues, outboxes, timers and sagas."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from redis.asyncio import Redis

from contracts.topology import DELAYS_MS, queues_of
from momo.broker.address import connection_url
from momo.broker.failures import delay_exchange
from momo.broker.publisher import PublishError
from momo.lag.backlogs import Backlogs
from momo.lag.heads import Heads
from momo.lag.snapshot import Kind, OutboxLag, QueueLag, SagaLag, Snapshot, TimersLag
from momo.lag.tables import Found, waiting
from momo.settings import DATABASES, SERVICES, Settings
from momo.steady import SteadyConnection
from momo.store.errors import StoreError
from momo.store.pool import Pool

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.9
"""Who asks for a look earlier gets the last one."""
TABLES_SECONDS = 1.8
TABLES_SHARE = 0.05
"""Databases are asked so often, and for no more than this share of the time."""
DATABASE_SECONDS = 5.0
"""A database that does not answer within so long is away."""


class Observer:
    """Of `services`: their queues, dead letters and databases, and the delay ladder.

    `look` may be called by many at once; they share one look. Nothing is asked while nobody looks.
    """

    def __init__(self, settings: Settings, services: Sequence[str] = SERVICES) -> None:
        queues = [queue for service in services for queue in queues_of(service)]
        self._kinds: dict[str, Kind] = dict.fromkeys((queue.name for queue in queues), "work")
        self._kinds |= dict.fromkeys(map(delay_exchange, DELAYS_MS), "delay")
        letters = [queue.dead_letter_queue for queue in queues]
        self._redis = Redis.from_url(
            settings.redis_url,
            protocol=2,
            socket_timeout=2,
            socket_connect_timeout=2,
            max_connections=2,
            connection_class=SteadyConnection,
        )
        url = connection_url(settings.amqp_url, "momo-lag")
        self._backlogs = Backlogs(url, list(self._kinds), letters, redis=self._redis)
        self._kinds |= dict.fromkeys(letters, "dead")
        self._heads = Heads(settings.amqp_url, queues)
        self._pools = {service: Pool(settings.db_url(service), size=1) for service in services if service in DATABASES}
        self._tables: dict[str, Found | None] = {}
        self._tables_due = 0.0
        self._looking = asyncio.Lock()
        self._last = Snapshot(at=0.0)
        self._seen = -EVERY_SECONDS

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Opens nothing yet: what is away is named in a snapshot, and comes back by itself."""

    async def stop(self) -> None:
        await self._heads.stop()
        await self._backlogs.stop()
        for pool in self._pools.values():
            await pool.stop()
        await self._redis.aclose()

    async def look(self) -> Snapshot:
        """How everything is now. Never raises for what is away."""
        async with self._looking:
            if time.monotonic() - self._seen >= EVERY_SECONDS:
                queues, _ = await asyncio.gather(self._queues(), self._databases())
                self._last = self._snapshot(queues)
                self._seen = time.monotonic()
            return self._last

    def _snapshot(self, queues: Sequence[QueueLag]) -> Snapshot:
        outboxes: list[OutboxLag] = []
        timers: list[TimersLag] = []
        sagas: list[SagaLag] = []
        unknown = [f"database:{service}" for service, found in self._tables.items() if found is None]
        for outbox, timed, unfinished in filter(None, self._tables.values()):
            outboxes.append(outbox)
            timers.append(timed)
            sagas += unfinished
        depths = self._backlogs.depths
        unknown += [name for name, depth in depths.items() if depth.missing] if depths else ["broker"]
        unknown += [] if self._backlogs.heard else ["redis"]
        return Snapshot(
            at=time.time(),
            queues=tuple(queues),
            outboxes=tuple(outboxes),
            timers=tuple(timers),
            sagas=tuple(sagas),
            unknown=tuple(sorted(unknown)),
        )

    async def _queues(self) -> list[QueueLag]:
        try:
            await self._backlogs.look()
        except PublishError as error:
            log.info("%s", error)
            return []
        await self._heads.look(self._backlogs.depths)
        await self._backlogs.share(self._heads.died_at)
        now = time.time()
        return [self._queue(name, kind, now) for name, kind in self._kinds.items() if self._is_there(name)]

    def _is_there(self, name: str) -> bool:
        return name in self._backlogs.depths and not self._backlogs.depths[name].missing

    def _queue(self, name: str, kind: Kind, now: float) -> QueueLag:
        backlog = self._backlogs.letters[name] if kind == "dead" else self._backlogs.counted[name]
        died_at = self._heads.died_at.get(name) if backlog.messages else None
        return QueueLag(
            name=name,
            kind=kind,
            messages=backlog.messages,
            oldest_age_s=round(backlog.age if died_at is None else max(0.0, now - died_at), 3),
            consumers=self._backlogs.depths[name].consumers,
            published_rate=round(backlog.published_rate, 3),
            handled_rate=round(backlog.handled_rate, 3),
        )

    async def _databases(self) -> None:
        began = time.monotonic()
        if began < self._tables_due:
            return
        names = list(self._pools)
        found = await asyncio.gather(*(self._database(name, self._pools[name]) for name in names))
        self._tables = dict(zip(names, found, strict=True))
        took = time.monotonic() - began
        self._tables_due = began + max(TABLES_SECONDS, took / TABLES_SHARE)

    async def _database(self, service: str, pool: Pool) -> Found | None:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await waiting(service, pool)
        except (StoreError, TimeoutError) as error:
            log.info("the database of %s does not tell what waits: %s", service, error)
            return None
