"""The rig around a running MOMO: load and watch while it is open, then settling up, draining and the ledger."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from momo.broker.publisher import Publisher
from momo.chaos import evidence, ledger
from momo.chaos.acts import Acts
from momo.chaos.book import Book, Difference
from momo.chaos.client import REQUEST, Client
from momo.chaos.load import Load, Size
from momo.chaos.poison import plant
from momo.chaos.watch import watch_seats
from momo.gateway.tokens import Tokens
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from momo.store.errors import StoreError

LOOK_SECONDS = 0.5
CANT_TELL = (StoreError, aiohttp.ClientError, TimeoutError, OSError)
_WIND = """UPDATE scheduled SET due_at = UTC_TIMESTAMP(6)
WHERE timer_key REGEXP '^(inspect|expire):' AND due_at > UTC_TIMESTAMP(6)"""


class Rig:
    """Clients at `gateways`, and the rig's own eyes on the servers of `settings`."""

    def __init__(
        self, settings: Settings, gateways: Sequence[str], session: aiohttp.ClientSession, seed: int, size: Size
    ) -> None:
        self.book = Book()
        chance = random.Random(seed)  # noqa: S311 - repeats a run, keeps no secret
        self.client = Client(session, gateways, Tokens(settings.token_secret), chance, self.book.contradicts)
        self.acts = Acts(self.client, session, settings.toss_url, self.book, chance)
        self.load = Load(self.acts, self.book, chance, size)
        self.evidence = evidence.Evidence()
        self.drain_seconds = 0.0
        self._settings = settings
        self._session = session
        self._chance = random.Random(f"poison {seed}")  # noqa: S311
        self._publisher = Publisher(settings.amqp_url, name="momo-chaos")
        self._wrong: list[Difference] = []
        self._watch: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Returns when the load is on."""
        await self.load.prepare()
        self._watch = asyncio.create_task(watch_seats(self._settings.db_url("meeting"), self.book))
        self.load.start()

    async def poison(self) -> None:
        await plant(self._publisher, self.book, self._chance)

    def wrong(self, what: str) -> None:
        """Something that had to happen did not."""
        self._wrong.append(Difference("stuck", what))

    async def end(self, patience: float) -> list[Difference]:
        """Ends the load, waits until nothing moves any more, and compares. Each of the three waits has `patience`
        seconds; what is not done by then is a difference."""
        began = time.monotonic()
        await self.load.stop(patience)
        try:
            await self.load.settle_up(self._settings.db_url("meeting"), patience)
        except TimeoutError:
            self.wrong(f"members could not give up their places within {patience:.0f} s")
        await self._drained(patience)
        self.drain_seconds = time.monotonic() - began
        ids = [command.id for command in self.book.commands if command.id]
        self.evidence = await evidence.gather(self._settings, self._session, ids)
        return [*self._wrong, *ledger.differences(self.book, self.evidence)]

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._publisher.stop()

    async def _drained(self, patience: float) -> None:
        """Waits until nothing is under way at two looks in a row."""
        end, quiet = time.monotonic() + patience, 0
        while quiet < 2 and time.monotonic() < end:
            try:
                await self._wind()
                quiet = 0 if await evidence.under_way(self._settings) else quiet + 1
            except CANT_TELL:
                quiet = 0
            await asyncio.sleep(LOOK_SECONDS)

    async def _wind(self) -> None:
        """Brings forward the timers by which Toss is asked again, and what nobody holds any more expires, a minute or
        more: the wait shows nothing."""
        for service in DATABASES:
            async with connected(self._settings.db_url(service)) as database:
                await database.change(_WIND)


@asynccontextmanager
async def rigged(
    settings: Settings, gateways: Sequence[str], *, seed: int, size: Size | None = None
) -> AsyncIterator[Rig]:
    """A rig for the length of a block."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        timeout=REQUEST, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        rig = Rig(settings, gateways, session, seed, size or Size())
        try:
            yield rig
        finally:
            await rig.close()
