"""What waits in a service's database: outbox entries, timers, sagas. Each query reads an index of what waits only."""

from __future__ import annotations

from typing import Any

from momo.lag.snapshot import OutboxLag, SagaLag, TimersLag
from momo.queries.database import Database

_OUTBOX = "SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(created_at), UTC_TIMESTAMP(6)) FROM outbox"
_TIMERS = (
    "SELECT COUNT(*), SUM(due_at <= UTC_TIMESTAMP(6)), TIMESTAMPDIFF(MICROSECOND, MIN(due_at), UTC_TIMESTAMP(6))"
    " FROM scheduled"
)
# who still waits when the meeting begins waits for nothing; a hold that outlives that by a day is not looked for
_SEATS = """
SELECT p.status, COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(p.changed_at), UTC_TIMESTAMP(6))
FROM meetings m JOIN meeting_participants p ON p.meeting_id = m.meeting_id AND p.status IN ('held', 'waiting')
WHERE m.unsettled = 1 AND m.starts_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY
AND (p.status = 'held' OR m.starts_at > UTC_TIMESTAMP(6))
GROUP BY p.status
"""
_PAYMENTS = """
SELECT status, COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(COALESCE(confirm_started_at, created_at)), UTC_TIMESTAMP(6))
FROM payments WHERE status IN ('PENDING', 'CONFIRMING') GROUP BY status
UNION ALL
SELECT 'REFUNDING', COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(COALESCE(asked_at, created_at)), UTC_TIMESTAMP(6))
FROM payments WHERE unreturned = 1
"""

SAGAS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "meeting": ("seat", ("held", "waiting"), _SEATS),
    "payment": ("payment", ("PENDING", "CONFIRMING", "REFUNDING"), _PAYMENTS),
}
"""By service: its saga, the unfinished states, and the query for them."""

Found = tuple[OutboxLag, TimersLag, tuple[SagaLag, ...]]


async def waiting(service: str, database: Database) -> Found:
    """What waits in the database of `service`. Raises StoreError."""
    [(entries, oldest)] = await database.rows(_OUTBOX)
    outbox = OutboxLag(service=service, entries=entries, oldest_age_s=_seconds(oldest))
    [(timers, overdue, late)] = await database.rows(_TIMERS)
    timed = TimersLag(service=service, timers=timers, overdue=int(overdue or 0), overdue_s=_seconds(late))
    if service not in SAGAS:
        return outbox, timed, ()
    saga, states, query = SAGAS[service]
    found = {state: (count, oldest) for state, count, oldest in await database.rows(query)}
    sagas = []
    for state in states:
        count, oldest = found.get(state, (0, None))
        sagas.append(SagaLag(saga=saga, state=state, count=count, oldest_age_s=_seconds(oldest)))
    return outbox, timed, tuple(sagas)


def _seconds(microseconds: Any) -> float:
    """0 where there is nothing, and of a time that is still to come."""
    return max(0.0, float(microseconds or 0) / 1e6)
