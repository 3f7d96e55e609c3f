"""Holds: in a queue that holds back, a dead letter keeps its actor's later messages from being decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from momo.broker.delivery import Delivery
from momo.store.connection import Read, Rows
from momo.store.literal import literal, tuples
from momo.store.rows import condition

Key = tuple[str, bytes]
"""A queue's name, and an actor as text in UTF-8."""

KEPT = 255
"""Bytes of an actor; those whose names begin with the same so many share a hold."""
_KEY = ("queue", "actor")


def key_of(delivery: Delivery) -> Key:
    """Whom a delivery that a lane has gathered is for."""
    assert delivery.actor is not None, "a lane says whom a message is for"
    return delivery.queue.name, str(delivery.actor[1]).encode(errors="replace")[:KEPT]


class Holds:
    """The holds that the messages of one flush meet, as its decisions leave them.

    A hold is of one message, whose turn it is; the others are held back in order behind it. Once that is decided, the
    turn is the next one's, and with the last the hold ends.
    """

    def __init__(self, deliveries: Iterable[Delivery], now: datetime) -> None:
        self._keys = {delivery.message_id: key_of(delivery) for delivery in deliveries}
        self._now = now
        self._turns: dict[Key, bytes] = {}
        self._following: dict[Key, bytes] = {}
        self._of: dict[bytes, Key] = {}
        """Whom messages of this flush hold back. It may be another actor than their own: letters can be edited."""
        self._waiting: set[Key] = set()
        self._begun: dict[Key, bytes] = {}
        self._again: list[Key] = []
        self._behind: list[tuple[str, bytes, bytes, datetime]] = []
        self._passed: dict[Key, bytes | None] = {}

    def reads(self) -> Iterator[Read]:
        """Locks the holds that there are, so that no two processes change one at once."""
        yield lock(set(self._keys.values())), self._take
        yield lock_of(self._keys), self._take_own
        # apart: by now nobody else can add what would be the next
        yield following(self._keys), self._take_following

    def waits(self, delivery: Delivery) -> bool:
        """Whether it is for the next flush to say what becomes of it: another of its actor comes before."""
        return self._keys[delivery.message_id] in self._waiting

    def holder(self, delivery: Delivery) -> bytes | None:
        """The message that holds this one back, if any does."""
        holder = self._turns.get(self._keys[delivery.message_id])
        return None if holder == delivery.message_id else holder

    def tried(self, delivery: Delivery) -> None:
        """It will be tried again: what follows for its actor waits."""
        self._waiting.add(self._keys[delivery.message_id])

    def decided(self, delivery: Delivery) -> None:
        if (key := self._of.pop(delivery.message_id, None)) is not None:
            self._pass_on(key)

    def died(self, delivery: Delivery) -> None:
        """Its last attempt has failed: from now on it holds back."""
        key = self._moved(delivery)
        if self._turns.get(key) == delivery.message_id:
            self._again.append(key)
        else:
            self._turns[key] = self._begun[key] = delivery.message_id

    def held(self, delivery: Delivery) -> None:
        """It goes behind all that is held back already, unless it was before."""
        key = self._moved(delivery)
        self._following.setdefault(key, delivery.message_id)
        self._behind.append((*key, delivery.message_id, self._now))

    def statements(self) -> Iterator[str]:
        """The SQL that writes what has changed. A hold that another process has begun meanwhile is an error."""
        if self._behind:
            yield (
                f"INSERT INTO held_messages (queue,actor,message_id,held_at) VALUES {tuples(self._behind)}"
                " ON DUPLICATE KEY UPDATE message_id=VALUES(message_id)"
            )
        for key, next_one in self._passed.items():
            yield from pass_on(key, next_one, self._now)
        if self._begun:
            rows = [(*key, message_id, self._now) for key, message_id in self._begun.items()]
            yield f"INSERT INTO held_actors (queue,actor,message_id,since) VALUES {tuples(sorted(rows))}"
        if self._again:
            yield f"UPDATE held_actors SET since={literal(self._now)} WHERE {condition(_KEY, self._again)}"

    def _moved(self, delivery: Delivery) -> Key:
        """Its key; an edited letter that was another actor's holds that one back no longer."""
        key = self._keys[delivery.message_id]
        if (before := self._of.get(delivery.message_id, key)) != key:
            del self._of[delivery.message_id]
            self._pass_on(before)
        return key

    def _pass_on(self, key: Key) -> None:
        next_one = self._passed[key] = self._following.pop(key, None)
        if next_one is None:
            del self._turns[key]
        else:
            self._turns[key] = next_one
            self._waiting.add(key)

    def _take(self, rows: Rows) -> None:
        self._turns.update({(queue, actor): message_id for queue, actor, message_id in rows})

    def _take_own(self, rows: Rows) -> None:
        self._take(rows)
        self._of.update({message_id: (queue, actor) for queue, actor, message_id in rows})

    def _take_following(self, rows: Rows) -> None:
        self._following.update({(queue, actor): message_id for queue, actor, message_id in rows if message_id})


def lock(keys: Iterable[Key]) -> str:
    """Reads and locks the holds of actors: queue, actor, and the message whose turn it is."""
    return (
        f"SELECT queue,actor,message_id FROM held_actors WHERE {condition(_KEY, keys)} ORDER BY queue,actor FOR UPDATE"
    )


def lock_of(message_ids: Iterable[bytes]) -> str:
    """Reads and locks the holds that are of one of these messages."""
    return f"SELECT queue,actor,message_id FROM held_actors WHERE {_one_of(message_ids)} FOR UPDATE"


def following(message_ids: Iterable[bytes]) -> str:
    """Of the holds that are of one of these messages: queue, actor, and who is next, or NULL."""
    return (
        "SELECT queue,actor,(SELECT behind.message_id FROM held_messages behind WHERE behind.queue=held_actors.queue"
        " AND behind.actor=held_actors.actor ORDER BY behind.place LIMIT 1)"
        f" FROM held_actors WHERE {_one_of(message_ids)}"
    )


def pass_on(key: Key, next_one: bytes | None, now: datetime) -> Sequence[str]:
    """The hold becomes that of the next one; without one it ends."""
    if next_one is None:
        return [f"DELETE FROM held_actors WHERE {condition(_KEY, [key])}"]
    return [
        f"UPDATE held_actors SET message_id={literal(next_one)},since={literal(now)} WHERE {condition(_KEY, [key])}",
        f"DELETE FROM held_messages WHERE {_one_of([next_one])}",
    ]


def _one_of(message_ids: Iterable[bytes]) -> str:
    return f"message_id IN ({','.join(map(literal, sorted(message_ids)))})"
