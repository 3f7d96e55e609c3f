"""Turns: of each actor whose messages are held back, the letter that may be replayed, and what lies behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from contracts.topology import Queue
from momo.actors import holds
from momo.broker.delivery import named
from momo.broker.identity import text_of_id
from momo.store.connection import Connection, connected
from momo.store.literal import literal
from momo.store.rows import condition

LISTED = 100
CHUNK = 1_000


class Turn(msgspec.Struct, frozen=True):
    """The message whose turn it is, and since when: it died then, or the one before it was decided."""

    message_id: bytes
    since: datetime


class Hold(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A letter that holds back `behind` others of its actor in `queue`. `since` is UTC."""

    queue: str
    actor: str
    id: str
    since: datetime
    behind: int


async def turns(database: Connection, queue: Queue, actors: Collection[bytes] | None = None) -> dict[bytes, Turn]:
    """Whose turn it is, by actor: of all that are held back in `queue`, or of `actors`. Raises StoreError."""
    if actors is not None and not actors:
        return {}
    chosen = f"queue={literal(queue.name)}" if actors is None else _condition(queue, actors)
    rows = await database.rows(f"SELECT actor, message_id, since FROM held_actors WHERE {chosen}")
    return {actor: Turn(message_id, since) for actor, message_id, since in rows}


async def behind(database: Connection, message_ids: Iterable[bytes]) -> dict[bytes, bytes]:
    """The actor of each of these messages that is held back behind another. Raises StoreError."""
    ids = sorted(message_ids)
    found: dict[bytes, bytes] = {}
    for start in range(0, len(ids), CHUNK):
        chosen = ",".join(map(literal, ids[start : start + CHUNK]))
        found.update(
            dict(await database.rows(f"SELECT message_id, actor FROM held_messages WHERE message_id IN ({chosen})"))
        )
    return found


async def is_held(database: Connection, queue: Queue, message_id: str) -> bool:
    """Whether this message of `queue` holds others back, or is held back. Raises StoreError."""
    key = named(queue, message_id)
    rows = await database.rows("SELECT 1 FROM held_actors WHERE message_id=%s LIMIT 1", key)
    return bool(rows or await behind(database, [key]))


async def holds_of(database: Connection, queue: Queue) -> list[Hold]:
    """The holds of `queue`, the oldest 100. Raises StoreError."""
    rows = await database.rows(
        "SELECT actor, message_id, since, (SELECT COUNT(*) FROM held_messages behind"
        " WHERE behind.queue=held_actors.queue AND behind.actor=held_actors.actor)"
        " FROM held_actors WHERE queue=%s ORDER BY since LIMIT %s",
        queue.name,
        LISTED,
    )
    return [
        Hold(
            queue=queue.dead_letter_queue,
            actor=actor.decode(errors="replace"),
            id=text_of_id(message_id),
            since=since.replace(tzinfo=UTC),
            behind=count,
        )
        for actor, message_id, since, count in rows
    ]


async def count_behind(database: Connection, queue: Queue, actors: Collection[bytes]) -> int:
    """How many messages of these actors are held back. Raises StoreError."""
    if not actors:
        return 0
    [(count,)] = await database.rows(f"SELECT COUNT(*) FROM held_messages WHERE {_condition(queue, actors)}")
    return int(count)


async def give_up(url: str, queue: Queue, message_ids: Sequence[str]) -> int:
    """Messages of `queue` that are no more hold nothing back: each one's turn is the next one's. How many of them had
    or waited for a turn. Raises StoreError."""
    ids = [named(queue, message_id) for message_id in message_ids]
    chosen = f"message_id IN ({','.join(map(literal, ids))})"
    now = datetime.now(UTC)
    async with connected(url, autocommit=False) as database:
        actors = [
            row[0]
            for table in ("held_actors", "held_messages")
            for row in await database.rows(f"SELECT actor FROM {table} WHERE {chosen}")
        ]
        if actors:
            # as a flush does, so that neither sees the other's half
            await database.rows(holds.lock([(queue.name, actor) for actor in set(actors)]))
            await database.change(f"DELETE FROM held_messages WHERE {chosen}")
            for name, actor, next_one in await database.rows(holds.following(ids)):
                for statement in holds.pass_on((name, actor), next_one, now):
                    await database.change(statement)
        await database.commit()
    return len(actors)


def _condition(queue: Queue, actors: Iterable[bytes]) -> str:
    return condition(("queue", "actor"), [(queue.name, actor) for actor in actors])
