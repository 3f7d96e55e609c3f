"""Waiting for a command's outcome: over Redis at once, else from the inbox of the service that decides it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from contracts.outcome import Outcome
from momo.gateway.channels import Channels, Listener
from momo.gateway.gathered import Gathered
from momo.live import decode_replies, reply_channel
from momo.queries.database import Database
from momo.store.errors import StoreError
from momo.store.literal import literal

logger = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 0.05
SLOWEST_LOOK_SECONDS = 1.0
"""How often the inbox is asked while Redis is away: after 50 ms, then ever more slowly."""
LISTENING_LOOK_SECONDS = 1.0
"""How often it is asked while Redis is there: a reply may have been sent in the moment before Redis came back."""

MOST_WAITING = 2_000
"""Commands whose outcome may be waited for at once; half of the requests that a gateway has under way at most."""

_decode = msgspec.json.Decoder(Outcome).decode


class Known(msgspec.Struct, frozen=True):
    """A command that an inbox has: the fingerprint of its request (hex, empty where it has none) and its outcome."""

    fingerprint: str
    outcome: Outcome


Row = tuple[Any, Any] | None
"""Fingerprint and outcome as an inbox has them; None where it has no such message."""


class Inbox:
    """What the services' inboxes know of commands. Raises StoreUnavailable while a database is away."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._reads: dict[str, Gathered[bytes, Row]] = {
            service: Gathered(partial(_read, database)) for service, database in databases.items()
        }

    async def find(self, service: str, message_id: UUID) -> Known | None:
        row = await self._reads[service].ask(message_id.bytes)
        if row is None or row[1] is None:
            return None
        fingerprint, outcome = row
        return Known(bytes(fingerprint or b"").hex(), _decode(outcome))


async def _read(database: Database, message_ids: Sequence[bytes]) -> Sequence[Row | Exception]:
    ids = ",".join(map(literal, message_ids))
    rows = await database.rows(f"SELECT message_id, fingerprint, outcome FROM inbox WHERE message_id IN ({ids})")
    found = {bytes(message_id): (fingerprint, outcome) for message_id, fingerprint, outcome in rows}
    return [found.get(message_id) for message_id in message_ids]


class Outcomes:
    """Hears the outcomes of this process's commands."""

    def __init__(self, channels: Channels, inbox: Inbox) -> None:
        self.name = f"{os.getpid()}-{os.urandom(8).hex()}"
        """What this process is called in `reply_to`."""
        self._channels = channels
        self._inbox = inbox
        self._waiting: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._draining = asyncio.Event()

    @property
    def crowded(self) -> bool:
        """Whether so many wait that no more should."""
        return len(self._waiting) >= MOST_WAITING

    async def start(self) -> None:
        await self._channels.listen(reply_channel(self.name), Listener(self._hear))

    def drain(self) -> None:
        """Ends every wait now: those who wait are told to look again later."""
        self._draining.set()
        for futures in self._waiting.values():
            for future in futures:
                future.cancel()

    @contextmanager
    def expect(self, message_id: UUID) -> Iterator[asyncio.Future[Outcome]]:
        """A future of the outcome; take it before the command is published, for the answer may be quick."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        futures = self._waiting.setdefault(str(message_id), [])
        futures.append(future)
        try:
            yield future
        finally:
            futures.remove(future)
            future.cancel()
            if not futures:
                self._waiting.pop(str(message_id), None)

    async def wait(
        self, service: str, message_id: UUID, future: asyncio.Future[Outcome], seconds: float
    ) -> Outcome | None:
        """The outcome, or None when `seconds` are over or this process is about to stop."""
        end = time.monotonic() + seconds
        pause = FIRST_LOOK_SECONDS
        while (left := end - time.monotonic()) > 0 and not self._draining.is_set():
            slot = min(left, LISTENING_LOOK_SECONDS if self._channels.healthy else pause)
            await asyncio.wait({future}, timeout=slot)
            if future.done() and not future.cancelled():
                return future.result()
            if found := await self._look(service, message_id):
                return found
            pause = min(pause * 2, SLOWEST_LOOK_SECONDS)
        return None

    async def _look(self, service: str, message_id: UUID) -> Outcome | None:
        try:
            known = await self._inbox.find(service, message_id)
        except StoreError as error:
            logger.warning("the inbox of %s can't be read: %s", service, error)
            return None
        return known.outcome if known else None

    def _hear(self, payload: bytes) -> None:
        try:
            replies = decode_replies(payload)
        except msgspec.MsgspecError as error:
            logger.warning("a reply that is none: %s", error)
            return
        for reply in replies:
            for future in self._waiting.get(reply.message_id, ()):
                if not future.done():
                    future.set_result(reply.outcome)
