"""Reading a story out of all services' databases; one that is away is named, and the rest is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from momo.broker.delivery import KEPT
from momo.broker.identity import id_of_text, text_of_id
from momo.queries.database import Database
from momo.store.errors import StoreError
from momo.stories.hops import Act, Story
from momo.stories.records import Record, acts, beside, newest, timers, unpublished
from momo.stories.telling import Standing, told
from momo.stories.tree import Node, grown, walked

T = TypeVar("T")

STILL = timedelta(seconds=5)
"""After so long without a next step the broker may have made a message a dead letter by itself."""
MOST = 2_000
"""Rows of a kind that are read from a service for one story."""

Letters = Callable[[Collection[str]], Awaitable[tuple[Mapping[tuple[bytes, str], str], list[str]]]]
"""Looks into the dead-letter queues of some queues: why each message there died, and which can't be looked into."""


class Reading:
    """Reads from `databases`, those of all services by name. Raises nothing where some of them are away."""

    def __init__(self, databases: Mapping[str, Database], letters: Letters) -> None:
        # services may share a database
        self._databases = dict({id(database): (name, database) for name, database in databases.items()}.values())
        self._letters = letters
        self._away: dict[str, None] = {}
        self._cut = False

    async def story(self, given: str) -> Story | None:
        """The story of a correlation id, or of any message in it; None where nobody knows such an id."""
        text = given.strip()
        try:
            message_id = id_of_text(text)
        except ValueError:
            return await self._named(text)
        name = text_of_id(message_id)
        records = await self._beside(message_id, name)
        if records:
            return await self._told(name, records)
        for correlation_id, own in _by_story(await self._beside(message_id)).items():
            if any(node.message_id == message_id for node, _ in walked(grown(own))):
                return await self._told(correlation_id, own)
        return await self._named(name)

    @property
    def away(self) -> tuple[str, ...]:
        """What could not be read so far."""
        return tuple(self._away)

    async def _named(self, correlation_id: str) -> Story | None:
        """A story of another system, whose id tells nothing of where its messages are."""
        if not 0 < len(correlation_id) <= KEPT or not correlation_id.isprintable():
            return None
        found = await self._everywhere(lambda _, db: newest(db, correlation_id))
        starts = {message_id[:6]: message_id for message_ids in found.values() for message_id in message_ids}
        records = [
            record for message_id in starts.values() for record in await self._beside(message_id, correlation_id)
        ]
        return await self._told(correlation_id, records) if records else None

    async def _beside(self, message_id: bytes, correlation_id: str | None = None) -> list[Record]:
        found = await self._everywhere(lambda service, db: beside(db, service, message_id, correlation_id, MOST))
        self._cut |= any(len(records) >= MOST for records in found.values())
        return [record for records in found.values() for record in records]

    async def _told(self, correlation_id: str, records: list[Record]) -> Story:
        roots = grown(records)
        nodes = [node for node, _ in walked(roots)]
        due = await self._due(nodes)
        ahead = [node for node in nodes if not node.tries or node.tries[-1].state == "failed"]
        ahead = [node for node in ahead if node.message_id not in due and (node.fired or not node.timer)]
        unsent: set[bytes] = set()
        dead: Mapping[tuple[bytes, str], str] = {}
        if ahead:
            held = await self._everywhere(lambda _, db: unpublished(db, records[0].message_id))
            unsent = set().union(*held.values())
            long_ago = datetime.now(UTC) - STILL
            still = [node for node in ahead if node.message_id not in unsent and node.since and node.since < long_ago]
            if still:
                dead, unseen = await self._letters({node.queue for node in still})
                self._away.update(dict.fromkeys(unseen))
        standing = Standing(
            now=datetime.now(UTC), due=due, unpublished=unsent, dead=dead, acts=await self._acts(nodes, dead)
        )
        return told(correlation_id, roots, standing, away=self.away, cut=self._cut)

    async def _acts(
        self, nodes: list[Node], dead: Collection[tuple[bytes, str]]
    ) -> dict[tuple[str, str], tuple[Act, ...]]:
        died = {
            (node.queue, text_of_id(node.message_id))
            for node in nodes
            if (node.message_id, node.queue) in dead or any(one.state == "dead" for one in node.tries)
        }
        if not died:
            return {}
        found = await self._everywhere(lambda _, db: acts(db, died))
        return {letter: done for each in found.values() for letter, done in each.items()}

    async def _due(self, nodes: list[Node]) -> dict[bytes, datetime]:
        keys = sorted({node.timer for node in nodes if node.timer and not node.tries and not node.fired})
        if not keys:
            return {}
        found = await self._everywhere(lambda _, db: timers(db, keys))
        return {message_id: due for each in found.values() for message_id, due in each.items()}

    async def _everywhere(self, read: Callable[[str, Database], Awaitable[T]]) -> dict[str, T]:
        """What `read` finds in each database that answers."""

        async def one(service: str, database: Database) -> tuple[str, T] | None:
            try:
                return service, await read(service, database)
            except StoreError:
                self._away[f"the database of {service}"] = None
                return None

        answers = await asyncio.gather(*(one(name, database) for name, database in self._databases.items()))
        return dict(answer for answer in answers if answer is not None)


def _by_story(records: list[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.correlation_id, []).append(record)
    return found
