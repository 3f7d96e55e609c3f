"""The reads of the notification service: a member's notices and how many are unread."""

from __future__ import annotations

import msgspec

from contracts.moment import Moment
from momo.queries.database import Database
from momo.queries.pages import checked
from momo.queries.reading import Reader


class Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A stored notice. `sequence` counts the member's notices from 1 without a gap."""

    sequence: int
    type: str
    content: str
    meeting_id: int | None
    created_at: Moment
    read_at: Moment | None


_NOTICE = Reader(Notice)


async def latest(db: Database, member_id: int, *, before: int | None = None, limit: int = 20) -> list[Notice]:
    """Notices, the latest first, older than number `before`. Raises ValueError for a malformed limit."""
    older = "AND sequence < %s" if before is not None else ""
    rows = await db.rows(
        f"SELECT {_NOTICE.columns} FROM notifications WHERE member_id = %s {older} ORDER BY sequence DESC LIMIT %s",
        member_id,
        *([before] if before is not None else []),
        checked(limit),
    )
    return [_NOTICE.read(row) for row in rows]


async def missed(db: Database, member_id: int, *, after: int, limit: int = 100) -> list[Notice]:
    """Notices in their order behind number `after`: what a socket resumes with. Raises ValueError for a malformed
    limit."""
    rows = await db.rows(
        f"SELECT {_NOTICE.columns} FROM notifications"
        " WHERE member_id = %s AND sequence > %s ORDER BY sequence LIMIT %s",
        member_id,
        after,
        checked(limit),
    )
    return [_NOTICE.read(row) for row in rows]


async def unread(db: Database, member_id: int) -> int:
    """How many notices the member has not read; 0 for an unknown member."""
    rows = await db.rows("SELECT unread FROM mailboxes WHERE member_id = %s", member_id)
    return int(rows[0][0]) if rows else 0
