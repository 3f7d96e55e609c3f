"""Succession: in a queue that holds back, a letter is replayed when the one before it of its actor has been decided."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from contracts.topology import Queue
from momo.broker.delivery import named
from momo.broker.exits import HELD_BACK
from momo.dlq.choice import Choice
from momo.dlq.course import Course
from momo.dlq.errand import Batch
from momo.dlq.holding import Holding, holding
from momo.dlq.turns import Turn, behind, count_behind, turns
from momo.store.connection import Connection, connected

PATIENCE = 10.0
"""Seconds in which a worker has to decide a letter that was replayed; else what is behind it stays."""
LOOK = 0.005
"""Seconds between two looks at whether it has."""
ARRIVING = 1.0
"""Seconds in which a letter has to appear whose turn it is: it may be on its way to the dead-letter queue."""


class Succession:
    """Replays the letters of `origin` whose turn it is, and what lies behind each of them, in the course of a replay.

    At any moment one letter of an actor is under way, so its order holds whoever decides it. Once one dies again, or
    nobody decides it, those behind it stay. Raises as the desk's other acts do.
    """

    def __init__(self, origin: Queue, database: str, course: Course) -> None:
        self._origin = origin
        self._url = database
        self._course = course
        self._letters: dict[bytes, Batch] = {}
        """What the dead-letter queue holds, by message; one may lie there twice."""
        self._turns: dict[bytes, Turn] = {}
        self._ready: deque[bytes] = deque()
        """Actors the letter of whose turn is at hand."""
        self._absent: set[bytes] = set()
        """Those where it is not."""
        self._stopped: set[bytes] = set()

    async def run(self, opened: Any, choice: Choice) -> None:
        """Replays what `choice` takes, looking at the queue again as long as there is more behind."""
        async with connected(self._url) as database:
            async with holding(opened, self._origin) as held:
                await self._gather(held)
                await self._begin(choice, held, database)
                await self._succeed(held, database)
            loop = asyncio.get_running_loop()
            until = loop.time() + ARRIVING
            while self._absent and loop.time() < until:
                async with holding(opened, self._origin) as held:
                    await self._gather(held)
                    absent, self._absent = self._absent, set()
                    self._follow(absent)
                    if self._ready:
                        await self._succeed(held, database)
                        until = loop.time() + ARRIVING
                await asyncio.sleep(LOOK)
            left = self._stopped | self._absent
            self._course.result.held += await count_behind(database, self._origin, left)

    async def _gather(self, held: Holding) -> None:
        self._letters = {}
        async for letter, tag in held.letters(held.depth):
            self._letters.setdefault(named(self._origin, letter.id), []).append((letter, tag))

    async def _begin(self, choice: Choice, held: Holding, database: Connection) -> None:
        """Replays what holds nobody back and is not held back, and finds whose turn it is."""
        now = datetime.now(UTC)
        chosen = {key: batch for key, batch in self._letters.items() if any(choice.takes(one, now) for one, _ in batch)}
        self._turns = await turns(database, self._origin)
        of = {turn.message_id: actor for actor, turn in self._turns.items()}
        waiting = await behind(database, self._letters)
        begun = {of[key] for key in chosen if key in of}
        self._course.result.held += sum(waiting[key] not in begun for key in chosen if key in waiting)
        free = {key: batch for key, batch in chosen.items() if key not in of and key not in waiting}
        if self._course.result.dry_run:
            free |= {key: self._letters[key] for key in self._letters if (of | waiting).get(key) in begun}
        for batch in _batches(free, self._course.size):
            await self._course.carry(batch, held, self._url)
        if not self._course.result.dry_run:
            self._ready.extend(begun)

    async def _succeed(self, held: Holding, database: Connection) -> None:
        """Replays each actor's letters one after the other, those of many actors at a time."""
        loop = asyncio.get_running_loop()
        sent: dict[bytes, float] = {}
        while self._ready or sent:
            if self._ready:
                actors = [self._ready.popleft() for _ in range(min(len(self._ready), self._course.size))]
                batch = [copy for actor in actors for copy in self._letters.pop(self._turns[actor].message_id)]
                await self._course.carry(batch, held, self._url)
                sent |= dict.fromkeys(actors, loop.time() + PATIENCE)
            now = await turns(database, self._origin, sent)
            decided = {
                actor for actor in sent if actor not in now or now[actor].message_id != self._turns[actor].message_id
            }
            stopped = {a for a in sent if a not in decided and (now[a] != self._turns[a] or sent[a] < loop.time())}
            for actor in decided | stopped:
                del sent[actor]
            self._stopped |= stopped
            self._turns |= now
            self._follow(decided & now.keys())
            if not self._ready:
                await asyncio.sleep(LOOK)

    def _follow(self, actors: set[bytes]) -> None:
        """The turn of each of these actors is another letter's now."""
        for actor in actors:
            copies = self._letters.get(self._turns[actor].message_id)
            if copies is None:
                self._absent.add(actor)
            elif copies[0][0].reason == HELD_BACK:
                self._ready.append(actor)
            else:  # another one that died meanwhile
                self._stopped.add(actor)


def _batches(letters: Mapping[bytes, Batch], size: int) -> Iterator[Batch]:
    copies = iter([copy for batch in letters.values() for copy in batch])
    while batch := list(islice(copies, size)):
        yield batch
