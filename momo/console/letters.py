"""The dead letters as the console shows them: each queue is read once for all who look, and again when it changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from aiormq.abc import AbstractConnection
from aiormq.exceptions import AMQPError

from contracts.topology import QUEUES, Queue
from momo.dlq.desk import LOOKED_AT
from momo.dlq.errors import Busy, DeskError, told
from momo.dlq.holding import connection, count, holding
from momo.dlq.letter import Letter
from momo.dlq.secrets import redacted_text
from momo.dlq.views import Group, Shown, grouped, shown
from momo.settings import Settings

logger = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
"""So long what was read is shown without asking the broker at all."""
STALE_SECONDS = 60.0
"""After so long a queue is read again though as many letters lie in it: they may be others."""
PATIENCE_SECONDS = 0.3
"""How long who asks waits for a reading to end; then they get what has been read so far."""
NEVER = datetime.max.replace(tzinfo=UTC)
SAMPLES = 100
"""Letters of a group that are listed, the oldest; acts go through all of them."""
BREATH = 50
"""Letters after which everybody else in this process has a turn."""


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One letter in a list."""

    id: str
    type: str
    error: str
    died_at: datetime | None
    attempts: int
    edited_by: str


class Reading(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A queue that is being read: so many of its letters so far."""

    queue: str
    read: int
    depth: int


class Groups(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All groups, the largest first, as they were known at `at` (Unix seconds). `cut` are queues that hold more than
    was looked at, `busy` those that another desk was holding; `failure` says why the broker could not be asked."""

    at: float
    groups: list[Group]
    cut: list[str]
    busy: list[str]
    reading: Reading | None
    failure: str


class _Queue(msgspec.Struct):
    """What was read of one dead-letter queue: how many there were, when, their groups and the oldest of each."""

    depth: int
    at: float
    groups: dict[str, Group]
    samples: dict[str, list[Letter]]
    busy: bool = False


class DeadLetters:
    """Reads on demand only; one reading at a time in this process."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.amqp_url
        self._queues: dict[str, _Queue] = {}
        self._reading: Reading | None = None
        self._task: asyncio.Task[None] | None = None
        self._at = 0.0
        self._failure = ""

    @property
    def reading(self) -> Reading | None:
        """What is being read just now: its letters are in our hands, and seem to be gone."""
        return self._reading

    async def groups(self) -> Groups:
        """What is known; read anew in the background where it is old, which is waited for only a moment."""
        if self._task is None and time.time() - self._at > FRESH_SECONDS:
            self._task = asyncio.create_task(self._read(), name="console letters")
            self._task.add_done_callback(self._ended)
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE_SECONDS)
        known = self._queues.values()
        return Groups(
            at=self._at,
            groups=sorted((group for queue in known for group in queue.groups.values()), key=lambda g: -g.count),
            cut=[name for name, queue in self._queues.items() if queue.depth > LOOKED_AT],
            busy=[name for name, queue in self._queues.items() if queue.busy],
            reading=self._reading,
            failure=self._failure,
        )

    def rows(self, queue: str, fingerprint: str) -> list[Row]:
        """The oldest letters of a group, of those that are known; the oldest first, those of unknown age last."""
        known = self._queues.get(queue)
        letters = known.samples.get(fingerprint, []) if known else []
        # what somebody has looked at and put back may stand behind what is younger
        return [_row(letter) for letter in sorted(letters, key=lambda letter: letter.died_at or NEVER)]

    def letter(self, queue: str, message_id: str) -> Shown | None:
        """A letter that was read before, or None; it may be gone since."""
        known = self._queues.get(queue)
        letters = (letter for sample in known.samples.values() for letter in sample) if known else ()
        return next((shown(letter) for letter in letters if letter.id == message_id), None)

    def forget(self, queue: str | None = None) -> None:
        """After an act: what was read of `queue`, or of all, is no longer so."""
        for known in [self._queues.get(queue)] if queue else list(self._queues.values()):
            if known:
                known.at = 0.0
        self._at = 0.0

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()):
            logger.error("dead letters can't be read", exc_info=error)

    async def _read(self) -> None:
        try:
            async with told(), connection(self._url) as opened:
                for origin, depth in (await _depths(opened)).items():
                    await self._read_queue(opened, origin, depth)
            self._failure = ""
        except DeskError as error:
            self._failure = str(error)
        finally:
            self._reading = None
            self._at = time.time()

    async def _read_queue(self, opened: AbstractConnection, origin: Queue, depth: int) -> None:
        name = origin.dead_letter_queue
        known = self._queues.get(name)
        if not depth:
            self._queues.pop(name, None)
            return
        if known and not known.busy and known.depth == depth and time.time() - known.at < STALE_SECONDS:
            return
        groups: dict[str, Group] = {}
        samples: dict[str, list[Letter]] = {}
        read = _Queue(depth=depth, at=time.time(), groups=groups, samples=samples)
        if known is None:
            self._queues[name] = read  # the first time it fills before everybody's eyes
        try:
            async with holding(opened, origin) as held:
                read.depth = held.depth
                number = 0
                async for letter, _ in held.letters(LOOKED_AT):
                    grouped(groups, letter)
                    sample = samples.setdefault(letter.fingerprint, [])
                    if len(sample) < SAMPLES:
                        sample.append(letter)
                    number += 1
                    if number % BREATH == 0:
                        self._reading = Reading(queue=name, read=number, depth=held.depth)
                        await asyncio.sleep(0)
        except Busy:
            read = msgspec.structs.replace(known or read, busy=True)
        self._queues[name] = read


async def _depths(opened: AbstractConnection) -> Mapping[Queue, int]:
    channel = await opened.channel(publisher_confirms=False)
    try:
        return {origin: await count(channel, origin) for origin in QUEUES}
    except AMQPError as error:
        raise DeskError(f"a dead-letter queue can't be counted: {error}") from error
    finally:
        if not channel.is_closed:
            await channel.close()


def _row(letter: Letter) -> Row:
    return Row(
        id=letter.id,
        type=letter.envelope.type,
        error=redacted_text(letter.error),
        died_at=letter.died_at,
        attempts=letter.envelope.attempt,
        edited_by=letter.edited_by,
    )
