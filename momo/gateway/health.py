"""Readiness: whether a command sent now would be carried out, looked at once a second in the background."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from contracts.base import Message
from contracts.meeting import CancelSeat, CreateMeeting, DeleteMeeting, JoinMeeting
from contracts.payment import ConfirmPayment, InspectPayment
from contracts.topology import KEYS
from contracts.user import FollowUser, RegisterUser, UnfollowUser, WithdrawUser
from momo.broker.publisher import Publisher
from momo.gateway.channels import Channels
from momo.gateway.queues import Queues
from momo.queries.database import Database
from momo.store.errors import StoreError

logger = logging.getLogger(__name__)

COMMANDS: dict[str, tuple[type[Message], ...]] = {
    "user": (RegisterUser, FollowUser, UnfollowUser, WithdrawUser),
    "category": (),
    "meeting": (CreateMeeting, JoinMeeting, CancelSeat, DeleteMeeting),
    "payment": (ConfirmPayment, InspectPayment),
    "notification": (),
}
"""What each service's routes send: their queues must have consumers."""

EVERY_SECONDS = 0.9
PROBE_SECONDS = 2.0
"""A dependency that does not answer for so long counts as away."""
STALE_SECONDS = 3.0
"""A finding older than this proves nothing: the check itself hangs."""


def queues_of(services: Sequence[str]) -> list[str]:
    """The queues that the routes of `services` send commands to."""
    return [f"{KEYS[contract]}.queue" for service in services for contract in COMMANDS[service]]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one dependency stands. `needed` ones decide readiness."""

    ok: bool
    needed: bool = True
    detail: str = ""


class Health:
    """What the process depends on, as it was at the last look."""

    def __init__(
        self, *, publisher: Publisher, databases: Mapping[str, Database], channels: Channels, queues: Queues
    ) -> None:
        self._publisher = publisher
        self._databases = databases
        self._channels = channels
        self._queues = queues
        self._findings: dict[str, Finding] = {"gateway": Finding(ok=False, detail="not looked at yet")}
        self._seen = 0.0
        self._task: asyncio.Task[None] | None = None
        self.draining = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="health")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def ready(self) -> bool:
        fresh = time.monotonic() - self._seen < STALE_SECONDS
        return fresh and not self.draining and all(f.ok for f in self._now().values() if f.needed)

    def report(self) -> dict[str, Any]:
        """The body of `/health/ready`."""
        found: dict[str, Any] = {name: msgspec.to_builtins(finding) for name, finding in self._now().items()}
        return {"ready": self.ready, "draining": self.draining, "dependencies": found}

    async def look(self) -> None:
        """Looks at everything once."""
        names = ["broker", *(f"database:{name}" for name in self._databases)]
        findings = await asyncio.gather(self._broker(), *map(self._database, self._databases.values()))
        self._findings = dict(zip(names, findings, strict=True))
        self._findings["redis"] = Finding(ok=self._channels.healthy, needed=False)
        self._seen = time.monotonic()

    def _now(self) -> dict[str, Finding]:
        """All findings; the queues are looked at by themselves."""
        return self._findings | {f"queue:{name}": self._queue(name) for name in self._queues.names}

    async def _watch(self) -> None:
        ready = False
        while True:
            await self.look()
            if ready != self.ready:
                ready = self.ready
                away = [name for name, finding in self._now().items() if finding.needed and not finding.ok]
                logger.info("ready" if ready else "not ready: %s", *([] if ready else [", ".join(away)]))
            await asyncio.sleep(EVERY_SECONDS)

    async def _broker(self) -> Finding:
        if not self._publisher.connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._publisher.start()
        connected = self._publisher.connected
        # a gateway whose services take no commands serves its reads without a broker
        return Finding(ok=connected, needed=bool(self._queues.names), detail="" if connected else "not connected")

    async def _database(self, database: Database) -> Finding:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await database.rows("SELECT 1")
        except (StoreError, TimeoutError) as error:
            return Finding(ok=False, detail=type(error).__name__)
        return Finding(ok=True)

    def _queue(self, name: str) -> Finding:
        depth = self._queues.depths.get(name)
        if depth is None or depth.missing:
            return Finding(ok=False, detail="not there")
        return Finding(ok=depth.consumers > 0, detail="" if depth.consumers else "nobody consumes it")
