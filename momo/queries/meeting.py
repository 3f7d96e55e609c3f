"""The reads about one meeting: itself, who is in it, and a member's own place."""

from __future__ import annotations

import msgspec

from contracts.meeting import MeetingView
from contracts.moment import Moment
from momo.queries.database import Database
from momo.queries.pages import Page, checked, key_in, page
from momo.queries.reading import Reader

PHASE = (
    "CASE WHEN status = 'cancelled' THEN 'cancelled' WHEN ends_at <= UTC_TIMESTAMP(6) THEN 'finished'"
    " WHEN starts_at <= UTC_TIMESTAMP(6) THEN 'started' ELSE status END"
)
"""A meeting's state by the clock: open, full, started, finished or cancelled."""
MEETING = Reader(MeetingView, {"status": PHASE, "seats_left": "capacity - seated - held"})


class Participation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member's own place: seated, held (pay `order_id` until `hold_expires_at`), waiting at `position`, or a former
    one: left, expired, dismissed."""

    meeting_id: int
    member_id: int
    status: str
    host: bool
    order_id: str
    hold_expires_at: Moment | None
    paid_amount: int
    position: int
    joined_at: Moment


class Attendee(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member with a confirmed seat."""

    member_id: int
    nickname: str
    host: bool
    joined_at: Moment


_POSITION = (
    "CASE WHEN status = 'waiting' THEN (SELECT COUNT(*) FROM meeting_participants line WHERE"
    " line.meeting_id = mine.meeting_id AND line.status = 'waiting' AND line.waitlist_no <= mine.waitlist_no)"
    " ELSE 0 END"
)
_PARTICIPATION = Reader(Participation, {"position": _POSITION})
_ATTENDEE = Reader(Attendee)


async def meeting(db: Database, meeting_id: int) -> MeetingView | None:
    """A meeting as it stands, cancelled ones too; None where there is none."""
    rows = await db.rows(f"SELECT {MEETING.columns} FROM meetings WHERE meeting_id = %s", meeting_id)
    return MEETING.read(rows[0]) if rows else None


async def participation(db: Database, meeting_id: int, member_id: int) -> Participation | None:
    """A member's place in a meeting; None for one who never asked for one."""
    sql = f"SELECT {_PARTICIPATION.columns} FROM meeting_participants mine WHERE meeting_id = %s AND member_id = %s"
    rows = await db.rows(sql, meeting_id, member_id)
    return _PARTICIPATION.read(rows[0]) if rows else None


async def participants(db: Database, meeting_id: int, *, cursor: str | None = None, limit: int = 20) -> Page[Attendee]:
    """Who has a confirmed seat, by member id. Raises ValueError for a malformed cursor or limit."""
    after = key_in(cursor, int)[0] if cursor is not None else 0
    rows = await db.rows(
        f"SELECT {_ATTENDEE.columns} FROM meeting_participants"
        " WHERE meeting_id = %s AND active = 1 AND status = 'seated' AND member_id > %s ORDER BY member_id LIMIT %s",
        meeting_id,
        after,
        checked(limit) + 1,
    )
    return page([_ATTENDEE.read(row) for row in rows], limit, lambda member: (member.member_id,))
