"""The relay: publishes what a crash left in an outbox, fires timers that are due, purges old inbox entries, and shows
how far everything lags."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from momo.actors import attempts, outbox
from momo.broker.envelope import Envelope
from momo.broker.publisher import Publisher, PublishError
from momo.lag.observe import observe
from momo.lag.tally import counted
from momo.settings import Settings
from momo.stopping import rest
from momo.store.connection import Connection
from momo.store.errors import StoreError
from momo.store.literal import tuples
from momo.store.rows import condition
from momo.telemetry import metrics
from momo.telemetry.probes import Probes

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
OUTBOX_BATCH = 16
TIMER_BATCH = 256
INBOX_KEPT = timedelta(days=14)
"""Longer than any retry, replay or idempotency window."""
PURGE_SECONDS = 60.0
PURGE_BATCH = 5_000


class Relay:
    """Works for one service's database. Any number may run: rows are leased, and skipped where another holds them."""

    def __init__(self, service: str, url: str, publisher: Publisher) -> None:
        self.service = service
        self._url = url
        self._publisher = publisher
        self._purged = time.monotonic()
        self.healthy = False

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop` is set, finishing what it has leased."""
        connection: Connection | None = None
        try:
            while not stop.is_set():
                try:
                    if connection is None or connection.closed:
                        connection = await Connection.open(self._url)
                    more = await self.outbox(connection) | await self.timers(connection)
                    await self._purge(connection)
                    self.healthy = True
                except (StoreError, PublishError) as error:
                    self.healthy = False
                    more = False
                    log.warning("relay of %s: %s", self.service, error)
                    if connection is not None:
                        connection.close()
                if not more:
                    await rest(stop, POLL_SECONDS * (0.5 + random.random()))  # noqa: S311 - spreads many relays
        finally:
            if connection is not None:
                connection.close()

    async def outbox(self, connection: Connection) -> bool:
        """Publishes entries whose writer did not; whether there may be more."""
        found = await self._lease(connection, "outbox", "outbox_id", "messages", "lease_until", OUTBOX_BATCH)
        for outbox_id, _, messages in found:
            envelopes = outbox.unpack(messages)
            if not await self._published(envelopes):
                continue
            await connection.change(outbox.delete([outbox_id]))
            await connection.commit()
            metrics.RELAYED.labels("outbox").inc(len(envelopes))
            log.info("relay of %s published %d messages that were left behind", self.service, len(envelopes))
        return len(found) == OUTBOX_BATCH

    async def timers(self, connection: Connection) -> bool:
        """Fires timers that are due; whether there may be more."""
        found = await self._lease(connection, "scheduled", "timer_key", "message", "due_at", TIMER_BATCH)
        if not found:
            return False
        due = [(key, at, _fired(outbox.unpack_one(message))) for key, at, message in found]
        if not await self._published([envelope for _, _, envelope in due]):
            due = [row for row in due if await self._published([row[2]])]
        if due:
            told = attempts.write([attempts.fired(envelope, at.replace(tzinfo=UTC)) for _, at, envelope in due])
            # one that was moved meanwhile has another time, and stays
            fired = condition(("timer_key", "due_at"), [(key, at.replace(tzinfo=UTC)) for key, at, _ in due])
            await connection.change(told)
            await connection.change(f"DELETE FROM scheduled WHERE {fired}")
            await connection.commit()
            metrics.RELAYED.labels("timer").inc(len(due))
        return len(found) == TIMER_BATCH

    async def _published(self, envelopes: Sequence[Envelope]) -> bool:
        """Whether the broker has taken `envelopes`: one that it refuses must not hold up the others for ever.

        Raises PublishError where the broker is away."""
        try:
            await self._publisher.publish(envelopes)
        except PublishError as error:
            if not self._publisher.connected:
                raise
            log.error("relay of %s, tried again in %s: %s", self.service, outbox.LEASE, error)  # noqa: TRY400 - no fault of this code
            return False
        return True

    async def _lease(  # noqa: PLR0917
        self, connection: Connection, table: str, key: str, payload: str, order: str, limit: int
    ) -> Sequence[tuple[Any, ...]]:
        """Rows that are due and that nobody works on, kept from others for a while."""
        found = await connection.rows(
            f"SELECT {key}, {order}, {payload} FROM {table} WHERE {order} <= UTC_TIMESTAMP(6)"
            f" AND lease_until <= UTC_TIMESTAMP(6) ORDER BY {order} LIMIT {limit} FOR UPDATE SKIP LOCKED"
        )
        if found:
            keys = tuples([(row[0],) for row in found])
            await connection.change(f"UPDATE {table} SET lease_until = {outbox.lease_end()} WHERE {key} IN ({keys})")
        await connection.commit()
        return found

    async def _purge(self, connection: Connection) -> None:
        if time.monotonic() - self._purged < PURGE_SECONDS:
            return
        purged = []
        for table, column in (("inbox", "handled_at"), ("attempts", "ended_at")):
            sql = f"DELETE FROM {table} WHERE {column} < %s ORDER BY {column} LIMIT %s"
            purged.append(await connection.change(sql, datetime.now(UTC) - INBOX_KEPT, PURGE_BATCH))
            await connection.commit()
        if max(purged) < PURGE_BATCH:
            self._purged = time.monotonic()


async def run(settings: Settings, services: Sequence[str], stop: asyncio.Event) -> None:
    """Relays for `services` until `stop` is set."""
    async with counted(settings) as tally:
        publisher = Publisher(settings.amqp_url, name="momo-relay", confirmed=tally.confirmed)
        relays = [Relay(service, settings.db_url(service), publisher) for service in services]

        def amiss() -> list[str]:
            return [f"{relay.service} is not relayed" for relay in relays if not relay.healthy]

        async with Probes(settings.host, settings.metrics_port, amiss):
            try:
                await publisher.start()
                await asyncio.gather(observe(settings, services, stop), *(relay.run(stop) for relay in relays))
            finally:
                await publisher.stop()


def _fired(envelope: Envelope) -> Envelope:
    """Lag counts from when the timer fires, not from when it was set."""
    return msgspec.structs.replace(envelope, first_published_ms=time.time_ns() // 1_000_000)
