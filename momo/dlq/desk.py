"""The dead-letter desk: letters listed, shown, edited, replayed to the queue they died in, or dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from contracts.topology import QUEUES, Queue
from momo.broker.publisher import Publisher
from momo.dlq import acts
from momo.dlq.body import checked
from momo.dlq.choice import Choice
from momo.dlq.course import Course, Result
from momo.dlq.errand import Batch, Errand
from momo.dlq.errors import Busy, MissingLetter, Unfit, told
from momo.dlq.holding import Holding, connection, holding
from momo.dlq.letter import Letter
from momo.dlq.succession import Succession
from momo.dlq.turns import give_up, holds_of, is_held
from momo.dlq.views import Group, Listing, Shown, grouped, shown
from momo.lag.tally import counted
from momo.settings import Settings
from momo.store.connection import connected

LOOKED_AT = 10_000
"""Letters of a queue that are looked at to be listed; acts go through all that were there when they began."""
SHOWN = 100


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
                if origin.holds_back:
                    async with connected(self._settings.db_url(origin.service)) as database:
                        listing.holds += await holds_of(database, origin)
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
        both, and the inbox sees to it that one which has taken effect changes nothing.

        With a letter that holds others back, those follow: each when the one before it has been decided."""
        return await self._act(choice, Errand("replay", self._by, Letter.replayed), rate=rate, dry_run=dry_run)

    async def drop(self, choice: Choice, reason: str) -> Result:
        """Takes the letters of `choice` away for good; those held back behind one have their turn. Also an id of which
        no letter is there any more can be dropped, where it holds others back or is held back."""
        try:
            return await self._act(choice, Errand("drop", self._by, reason=reason))
        except MissingLetter:
            for origin in choice.queues(self._queues):
                if origin.holds_back and await self._drop_lost(origin, choice.id or "", reason):
                    return Result(act="drop", letters=1, queues={origin.name: 1}, ids=[choice.id or ""])
            raise

    async def _act(self, choice: Choice, errand: Errand, *, rate: float | None = None, dry_run: bool = False) -> Result:
        if choice.empty:
            raise Unfit("say which letters: an id, or one of --queue, --fingerprint, --type, --older-than")
        result = Result(act=errand.act, dry_run=dry_run)
        async with told(), connection(self._settings.amqp_url) as opened, counted(self._settings) as tally:
            publisher = Publisher(self._settings.amqp_url, name="momo-dlq", confirmed=tally.confirmed)
            course = Course(errand, publisher, rate, result)
            try:
                for origin in choice.queues(self._queues):
                    database = self._settings.db_url(origin.service)
                    if origin.holds_back and errand.act == "replay":
                        await Succession(origin, database, course).run(opened, choice)
                        continue
                    async with holding(opened, origin) as letters:
                        async for batch in _batches(letters, choice, course.size):
                            await course.carry(batch, letters, database)
            finally:
                await publisher.stop()
        if choice.id and not result.letters:
            if result.held:
                raise Unfit(
                    f"{choice.id} is held back by another letter, which `momo dlq list` names: that one comes first"
                )
            raise _missing(choice.id)
        return result

    async def _drop_lost(self, origin: Queue, message_id: str, reason: str) -> bool:
        """Lets go of what a message holds back of which no letter is there; whether it held or was held."""
        async with told(), connected(self._settings.db_url(origin.service)) as database:
            if not await is_held(database, origin, message_id):
                return False
            begun = await acts.begin(database, "drop", origin, [message_id], by=self._by, reason=reason)
            await give_up(self._settings.db_url(origin.service), origin, [message_id])
            await acts.end(database, begun, "done", ["no letter was there; it holds nothing back any more"])
            return True


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


def _missing(message_id: str) -> MissingLetter:
    return MissingLetter(f"no letter has the id {message_id!r}; `momo dlq list` says what there is")
