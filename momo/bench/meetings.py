"""Meetings to join, written straight into the database: what a measurement starts from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from contracts.payment import RefundStep
from momo.store.connection import Connection
from momo.store.literal import tuples

HOST = 1


async def open_meetings(
    database: Connection, count: int, *, capacity: int = 10_000, fee: int = 0, policy: Sequence[RefundStep] = ()
) -> int:
    """Opens `count` meetings, free ones unless there is a `fee` (KRW), which is paid back by `policy`, and returns the
    first one's id; the others follow. No block of ids reaches them."""
    first = (1 << 40) + random.randrange(1 << 20) * 100_000  # noqa: S311 - apart from earlier runs
    now = datetime.now(UTC)
    begins, ends = now + timedelta(days=1), now + timedelta(days=2)
    back = msgspec.json.encode(policy).decode()
    rows = [
        (first + n, HOST, "host", "bench", "", 1, "Seoul", 37.5, 127.0, begins, ends, capacity, fee, 600, back, now)
        for n in range(count)
    ]
    await database.change(
        "INSERT INTO meetings (meeting_id, host_id, host_nickname, title, description, category_id, place_name,"
        " latitude, longitude, starts_at, ends_at, capacity, fee, hold_seconds, refund_policy, created_at,"
        " status, seated, held, waiting, waitlist_seq, version) VALUES "
        + tuples([(*row, "open", 0, 0, 0, 0, 1) for row in rows])
    )
    return first
