"""The audit: what an operator does is written down as begun before the act, and completed after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from contracts.topology import QUEUES, Queue
from momo.broker.identity import fresh_id, id_of_text, text_of_id
from momo.queries.database import Database
from momo.settings import DATABASES, Settings
from momo.store.connection import Connection, connected
from momo.store.literal import literal, tuples

Kind = Literal["edit", "replay", "drop", "pause", "resume"]
SHOWN = 200
_COLUMNS = ("act_id", "act", "queue", "message_id", "operator", "reason", "state", "result", "begun_at", "ended_at")


class Act(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One act on one letter, or on a queue as a whole (`message_id` is empty). Times are UTC.

    `state` is `begun` until it is known to be `done` or to have `failed`: of a process that died in between it stays.
    """

    act_id: str
    act: str
    queue: str
    message_id: str
    operator: str
    reason: str
    state: str
    result: str
    begun_at: datetime
    ended_at: datetime | None


async def begin(
    database: Connection, act: Kind, queue: Queue, message_ids: Sequence[str], *, by: str, reason: str
) -> list[bytes]:
    """Writes down that `by` begins `act` on each of the messages; the acts' ids. Raises StoreError."""
    now = datetime.now(UTC)
    acts = [id_of_text(fresh_id()) for _ in message_ids]
    rows = [
        (act_id, act, queue.name, message_id, by[:64], reason[:500], "begun", "", now, None)
        for act_id, message_id in zip(acts, message_ids, strict=True)
    ]
    await database.change(f"INSERT INTO operator_acts ({', '.join(_COLUMNS)}) VALUES {tuples(rows)}")
    return acts


async def end(
    database: Connection, acts: Sequence[bytes], state: Literal["done", "failed"], results: Sequence[str]
) -> None:
    """Completes acts that were begun, each with its result. Raises StoreError."""
    ended = literal(datetime.now(UTC))
    for result in set(results):
        same = [literal(act) for act, its in zip(acts, results, strict=True) if its == result]
        await database.change(
            f"UPDATE operator_acts SET state = {literal(state)}, result = {literal(result[:500])}, ended_at = {ended}"
            f" WHERE act_id IN ({','.join(same)})"
        )


async def of_service(database: Database, queue: str | None = None) -> list[Act]:
    """The newest acts in one service's database, on `queue` alone if it is given. Raises StoreError."""
    chosen = f" WHERE queue = {literal(queue)}" if queue else ""
    sql = f"SELECT {', '.join(_COLUMNS)} FROM operator_acts{chosen} ORDER BY act_id DESC LIMIT {SHOWN}"
    return [
        Act(
            act_id=text_of_id(row[0]),
            **dict(zip(_COLUMNS[1:8], row[1:8], strict=True)),
            begun_at=row[8].replace(tzinfo=UTC),
            ended_at=row[9].replace(tzinfo=UTC) if row[9] else None,
        )
        for row in await database.rows(sql)
    ]


async def audit(settings: Settings, queue: Queue | None = None) -> list[Act]:
    """The newest 200 acts of all services, or those on `queue`, newest first. Raises StoreError."""
    services = [queue.service] if queue else [name for name in DATABASES if any(q.service == name for q in QUEUES)]
    acts: list[Act] = []
    for url in {settings.db_url(service): None for service in services}:
        async with connected(url) as database:
            acts += await of_service(database, queue.name if queue else None)
    return sorted(acts, key=lambda act: act.act_id, reverse=True)[:SHOWN]
