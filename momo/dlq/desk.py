"""The dead-letter desk: letters listed, shown, edited, replayed to the queue they died in, or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import msgspec

from contracts.topology import QUEUES, Queue
from momo.broker.publisher import Publisher
from momo.dlq.body import checked
from momo.dlq.choice import Choice
from momo.dlq.errand import Batch, Errand
from momo.dlq.errors import Busy, MissingLetter, Unfit, told
from momo.dlq.holding import Holding, connection, holding
from momo.dlq.letter import Letter
from momo.dlq.views import Group, Listing, Shown, grouped, shown
from momo.lag.tally import counted
from momo.settings import Settings

LOOKED_AT = 10_000
"""Letters of a queue that are looked at to be listed; acts go through all that were there when they began."""
SHOWN = 100
BATCH = 100
"""Letters that share a write to the audit and one to the broker."""


class Result(msgspec.Struct, kw_only=True, rename="camel"):
    """What an act has done, or with `dry_run` would do: to how many letters of which queues, and their ids."""

    act: str
    dry_run: bool = False
    letters: int = 0
    queues: dict[str, int] = {}
    ids: list[str] = []


class Desk:
    """Works on the dead-letter queues of `queues` for the operator `by`, whose acts are audited.

    All methods raise DeskError, also where a server is away: what was not done by then is still to be done.
    """

    def __init__(self, settings: Settings, *, by: str, queues: Sequence[Queue] = QUEUES) -> None:
        self._settings = settings
        self._by = by
        self._queues = queues

    async def list(self, queue: str | None = None) -> Listing:
        """What has died, grouped by queue and by what it died of; in `queue` alone if it is given."""
        listing = Listing(groups=[])
        async with told(), connection(self._settings.amqp_url) as opened:
            for origin in Choice(queue=queue).queues(self._queues):
                groups: dict[str, Group] = {}
                try:
                    async with holding(opened, origin) as held:
                        async for letter, _ in held.letters(LOOKED_AT):
                            grouped(groups, letter)
                        if held.depth > LOOKED_AT:
                            listing.cut.append(origin.dead_letter_queue)
                except Busy:
                    listing.busy.append(origin.dead_letter_queue)
                listing.groups += groups.values()
        return listing

    async def show(self, choice: Choice) -> Sequence[Shown]:
        """The letters of `choice`, the oldest 100 of a queue."""
        found: list[Shown] = []
        now = datetime.now(UTC)
        async with told(), connection(self._settings.amqp_url) as opened:
            for origin in choice.queues(self._queues):
                async with holding(opened, origin) as held:
                    here = [shown(one) async for one, _ in held.letters(held.depth) if choice.takes(one, now)]
                    found += here[:SHOWN]
        if choice.id and not found:
            raise _missing(choice.id)
        return found

    async def edit(self, choice: Choice, body: bytes) -> Result:
        """Gives the letters of `choice` another body, which their queue's contract must take. They stay dead, under
        their id, and say that they were edited. What is blanked in `body` stays as it was."""
        return await self._act(
            choice, Errand("edit", self._by, lambda letter: letter.edited(checked(letter, body), self._by))
        )

    async def replay(self, choice: Choice, *, rate: float | None = None, dry_run: bool = False) -> Result:
        """Sends the letters of `choice` to the queue that each died in, at most `rate` a second, as if for the first
        time. Each is taken from its dead-letter queue once the broker has confirmed it there: a crash leaves it in
        both, and the inbox sees to it that one which has taken effect changes nothing."""
        return await self._act(choice, Errand("replay", self._by, Letter.replayed), rate=rate, dry_run=dry_run)

    async def drop(self, choice: Choice, reason: str) -> Result:
        """Takes the letters of `choice` away for good."""
        return await self._act(choice, Errand("drop", self._by, reason=reason))

    async def _act(self, choice: Choice, errand: Errand, *, rate: float | None = None, dry_run: bool = False) -> Result:
        if choice.empty:
            raise Unfit("say which letters: an id, or one of --queue, --fingerprint, --type, --older-than")
        result = Result(act=errand.act, dry_run=dry_run)
        size = BATCH if rate is None else max(1, min(BATCH, int(rate // 10)))
        due = 0.0
        async with told(), connection(self._settings.amqp_url) as opened, counted(self._settings) as tally:
            publisher = Publisher(self._settings.amqp_url, name="momo-dlq", confirmed=tally.confirmed)
            try:
                for origin in choice.queues(self._queues):
                    async with holding(opened, origin) as held:
                        async for batch in _batches(held, choice, size):
                            if not dry_run:
                                due = await _paced(due, len(batch), rate)
                                database = self._settings.db_url(origin.service)
                                await errand.run(batch, held, publisher, database)
                            result.letters += len(batch)
                            result.ids += [letter.id for letter, _ in batch]
                            result.queues[origin.name] = result.queues.get(origin.name, 0) + len(batch)
            finally:
                await publisher.stop()
        if choice.id and not result.letters:
            raise _missing(choice.id)
        return result


async def _batches(held: Holding, choice: Choice, size: int) -> AsyncIterator[Batch]:
    """The letters of `choice` in batches of `size`, each as soon as it is full."""
    now = datetime.now(UTC)
    batch: Batch = []
    async for letter, tag in held.letters(held.depth):
        if choice.takes(letter, now):
            batch.append((letter, tag))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _paced(due: float, count: int, rate: float | None) -> float:
    """Waits until `due` (of the loop's clock); when the next may go after `count` at `rate` a second."""
    if rate is None:
        return due
    loop = asyncio.get_running_loop()
    await asyncio.sleep(due - loop.time())
    return max(due, loop.time()) + count / rate


def _missing(message_id: str) -> MissingLetter:
    return MissingLetter(f"no letter has the id {message_id!r}; `momo dlq list` says what there is")
