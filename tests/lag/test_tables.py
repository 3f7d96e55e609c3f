"""What waits in the databases: outbox entries, timers, unfinished sagas."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from momo.actors import outbox
from momo.bench.meetings import open_meetings
from momo.lag.observer import Observer
from momo.lag.snapshot import Snapshot
from momo.settings import Settings
from momo.store.connection import Connection, connected
from tests.lag.conftest import JOIN, about, message


async def look(settings: Settings) -> Snapshot:
    async with Observer(settings) as observer:
        return await observer.look()


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def sagas(seen: Snapshot, saga: str) -> dict[str, tuple[int, float]]:
    return {s.state: (s.count, s.oldest_age_s) for s in seen.sagas if s.saga == saga}


async def test_outbox_entries_left_behind(settings: Settings) -> None:
    async with connected(settings.meeting_db_url) as database:
        for age in (5, 90, 30):
            await database.change(outbox.write(os.urandom(16), [message(JOIN)], ago(age)))
    found = {one.service: (one.entries, one.oldest_age_s) for one in (await look(settings)).outboxes}
    assert found == {
        "user": (0, 0),
        "meeting": (3, about(90)),
        "payment": (0, 0),
        "notification": (0, 0),
    }


async def test_timers_that_are_set_and_that_are_due(settings: Settings) -> None:
    async with connected(settings.payment_db_url) as database:
        for key, age in (("a", 40), ("b", -600), ("c", 3), ("d", -5)):
            await database.change("INSERT INTO scheduled VALUES (%s, %s, '1970-01-01', '')", key, ago(age))
    async with connected(settings.user_db_url) as database:
        await database.change("INSERT INTO scheduled VALUES ('a', %s, '1970-01-01', '')", ago(-60))
    found = {one.service: (one.timers, one.overdue, one.overdue_s) for one in (await look(settings)).timers}
    assert found["payment"] == (4, 2, about(40))
    assert found["user"] == (1, 0, 0)
    assert found["notification"] == (0, 0, 0)


async def place(database: Connection, meeting: int, member: int, status: str, age: float) -> None:
    await database.change(
        "INSERT INTO meeting_participants VALUES (%s, %s, 'm', 0, %s, 1, 0, 1, '', NULL, 0, 0, '[]', %s, %s)",
        meeting,
        member,
        status,
        ago(10_000),
        ago(age),
    )


async def test_seats_that_are_held_or_waited_for(settings: Settings) -> None:
    async with connected(settings.meeting_db_url) as database:
        first = await open_meetings(database, 3)
        coming, over, long_over = first, first + 1, first + 2
        for meeting, member, status, age in (
            (coming, 1, "held", 700),
            (coming, 2, "held", 20),
            (coming, 3, "waiting", 5_000),
            (coming, 4, "seated", 9_000),
            (over, 5, "held", 800),
            (over, 6, "waiting", 9_000),
            (long_over, 7, "waiting", 9_000),
        ):
            await place(database, meeting, member, status, age)
        await database.change("UPDATE meetings SET held = 2, waiting = 1, seated = 1 WHERE meeting_id = %s", coming)
        for meeting, age in ((over, 100), (long_over, 200_000)):
            await database.change(
                "UPDATE meetings SET held = 1, waiting = 1, starts_at = %s WHERE meeting_id = %s", ago(age), meeting
            )
        seen = sagas(await look(settings), "seat")
        await database.change("DELETE FROM meeting_participants")
        await database.change("DELETE FROM meetings")
    assert seen == {"held": (3, about(800)), "waiting": (1, about(5_000))}


async def pay(database: Connection, order: str, status: str, **columns: object) -> None:
    given = {
        "order_id": order,
        "meeting_id": 1,
        "member_id": 1,
        "order_name": "seat",
        "amount": 1_000,
        "status": status,
        "payment_key": "",
        "starts_at": ago(0),
        "expires_at": ago(0),
        "refund_policy": "[]",
        "refunded_amount": 0,
        "returned_amount": 0,
        "refunds": "[]",
        "refund_owed": False,
        "failure_code": "",
        "failure_message": "",
        "created_at": ago(5_000),
        **columns,
    }
    places = ",".join(["%s"] * len(given))
    await database.change(f"INSERT INTO payments ({','.join(given)}) VALUES ({places})", *given.values())


async def test_payments_that_are_not_finished(settings: Settings) -> None:
    async with connected(settings.payment_db_url) as database:
        await pay(database, "1", "PENDING", created_at=ago(300))
        await pay(database, "2", "PENDING", created_at=ago(30))
        await pay(database, "3", "CONFIRMING", confirm_started_at=ago(70))
        await pay(database, "4", "COMPLETED", asked_at=ago(900))
        await pay(database, "5", "COMPLETED", asked_at=ago(60), refunded_amount=500)
        await pay(database, "6", "PARTIALLY_REFUNDED", asked_at=ago(80), refunded_amount=700, returned_amount=500)
        await pay(database, "7", "REFUNDED", asked_at=ago(900), refunded_amount=1_000, returned_amount=1_000)
        seen = sagas(await look(settings), "payment")
        await database.change("DELETE FROM payments")
    assert seen == {
        "PENDING": (2, about(300)),
        "CONFIRMING": (1, about(70)),
        "REFUNDING": (2, about(80)),
    }
