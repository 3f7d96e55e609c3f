"""Records of a story: rows of inboxes and attempts, read by the bytes that the ids of a story have in common."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from momo.actors.inbox import decode_outcome
from momo.actors.outbox import unpack, unpack_one
from momo.actors.sent import Sent, sent_of
from momo.broker.identity import id_of_text, text_of_id
from momo.dlq.secrets import redacted_text
from momo.queries.database import Database
from momo.store.literal import literal
from momo.stories.hops import Act

SHARED = 6
"""Bytes that the ids of a story have in common (see `momo.broker.identity.derived_id`)."""
NEWEST = 100_000
"""Of each inbox, the rows among which another system's correlation id is looked for: it tells no place in them."""
_INBOX = (
    "message_id, queue, sender, correlation_id, causation_id, published_ms, handled_at, committed_at, attempt, sent,"
    " outcome"
)
_ATTEMPTS = (
    "message_id, queue, sender, correlation_id, causation_id, published_ms, taken_at, ended_at, attempt, sent,"
    " state, error"
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a service has written down of one try at a message. `dead` tries made it a dead letter; a timer's message
    has `fired`. Of what was handled before stories were told, some is None."""

    service: str
    message_id: bytes
    queue: str
    sender: str
    correlation_id: str
    causation_id: str
    published_at: datetime | None
    taken_at: datetime
    ended_at: datetime
    attempt: int
    state: Literal["done", "refused", "failed", "dead", "fired"]
    detail: str
    sent: Sent


async def beside(db: Database, service: str, message_id: bytes, correlation_id: str | None, most: int) -> list[Record]:
    """The earliest `most` records of each kind whose ids begin as `message_id` does, of one story or of all. Raises
    StoreError."""
    low, high = (literal(message_id[:SHARED] + end * (16 - SHARED)) for end in (b"\x00", b"\xff"))
    chosen = f"message_id BETWEEN {low} AND {high}"
    if correlation_id is not None:
        chosen += f" AND correlation_id = {literal(correlation_id)}"
    handled = await db.rows(f"SELECT {_INBOX} FROM inbox WHERE {chosen} ORDER BY handled_at LIMIT {most}")
    tried = await db.rows(f"SELECT {_ATTEMPTS} FROM attempts WHERE {chosen} ORDER BY taken_at LIMIT {most}")
    return [_handled(service, row) for row in handled] + [_tried(service, row) for row in tried]


async def newest(db: Database, correlation_id: str) -> list[bytes]:
    """The ids of some messages of a story among those that were handled or tried last. Raises StoreError."""
    found: list[bytes] = []
    for table, moment in (("inbox", "handled_at"), ("attempts", "ended_at")):
        rows = await db.rows(
            "SELECT message_id FROM (SELECT message_id, correlation_id"
            f" FROM {table} ORDER BY {moment} DESC LIMIT {NEWEST}) last WHERE correlation_id = %s LIMIT 20",
            correlation_id,
        )
        found += [row[0] for row in rows]
    return found


async def timers(db: Database, keys: list[str]) -> dict[bytes, datetime]:
    """When the messages of those timers that are set are due, by message id. Raises StoreError."""
    names = ",".join(map(literal, keys))
    rows = await db.rows(f"SELECT due_at, message FROM scheduled WHERE timer_key IN ({names})")
    return {id_of_text(unpack_one(message).message_id): due.replace(tzinfo=UTC) for due, message in rows}


async def unpublished(db: Database, message_id: bytes) -> set[bytes]:
    """The ids of messages still in an outbox that begin as `message_id` does. Raises StoreError."""
    start = text_of_id(message_id)[: 2 * SHARED + 1]
    rows = await db.rows(f"SELECT messages FROM outbox WHERE LOCATE({literal(start.encode())}, messages) LIMIT 100")
    return {id_of_text(envelope.message_id) for (messages,) in rows for envelope in unpack(messages)}


async def acts(db: Database, letters: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[Act, ...]]:
    """What operators did to letters, each named by its queue and message id, in order. Raises StoreError."""
    queues, ids = (",".join(map(literal, sorted({letter[part] for letter in letters}))) for part in (0, 1))
    rows = await db.rows(
        "SELECT queue, message_id, act, operator, begun_at, reason FROM operator_acts"
        f" WHERE queue IN ({queues}) AND message_id IN ({ids}) AND state <> 'failed' ORDER BY act_id LIMIT 1000"
    )
    found: dict[tuple[str, str], tuple[Act, ...]] = {}
    for queue, message_id, act, operator, at, reason in rows:
        done = Act(act=act, operator=operator, at=at.replace(tzinfo=UTC), reason=reason)
        found[queue, message_id] = (*found.get((queue, message_id), ()), done)
    return found


def _handled(service: str, row: tuple[Any, ...]) -> Record:
    outcome = decode_outcome(row[10])
    if outcome.state == "failed":
        return _record(service, row, "dead", "")  # why, the attempts say
    problem = outcome.problem
    return _record(service, row, outcome.state, f"{problem.type}: {problem.detail or problem.title}" if problem else "")


def _tried(service: str, row: tuple[Any, ...]) -> Record:
    return _record(service, row, row[10], redacted_text(row[11]))


def _record(service: str, row: tuple[Any, ...], state: Any, detail: str) -> Record:
    taken = row[6].replace(tzinfo=UTC)
    return Record(
        service=service,
        message_id=bytes(row[0]),
        queue=row[1],
        sender=row[2],
        correlation_id=row[3],
        causation_id=row[4],
        published_at=datetime.fromtimestamp(row[5] / 1000, UTC) if row[5] else None,
        taken_at=taken,
        # by the database's clock, which may differ a little from the process's
        ended_at=max(taken, row[7].replace(tzinfo=UTC)) if row[7] else taken,
        attempt=row[8] or 1,
        state=state,
        detail=detail,
        sent=sent_of(row[9]),
    )
