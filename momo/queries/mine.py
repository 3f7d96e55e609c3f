"""A member's own meetings: those they host, those they are in, and those they wait for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from contracts.meeting import MeetingView
from momo.queries.database import Database
from momo.queries.meeting import MEETING
from momo.queries.pages import Page, checked, key_in, page

Role = Literal["hosted", "joined", "waiting"]

_IN = "meeting_id IN (SELECT meeting_id FROM meeting_participants WHERE member_id = %s AND active = 1 AND {})"
_ROLES: dict[Role, str] = {
    "hosted": "host_id = %s",
    "joined": _IN.format("host = 0 AND status IN ('seated', 'held')"),
    "waiting": _IN.format("status = 'waiting'"),
}


async def mine(
    db: Database, member_id: int, role: Role, *, cursor: str | None = None, limit: int = 20
) -> Page[MeetingView]:
    """A page of the member's meetings, the latest start first. Raises ValueError for a malformed cursor or limit."""
    after, args = "", [member_id]
    if cursor is not None:
        starts_at, last = key_in(cursor, datetime, int)
        after = "AND (starts_at < %s OR (starts_at = %s AND meeting_id < %s))"
        args += [starts_at, starts_at, last]
    rows: list[tuple[Any, ...]] = await db.rows(
        f"SELECT {MEETING.columns} FROM meetings WHERE {_ROLES[role]} {after}"
        " ORDER BY starts_at DESC, meeting_id DESC LIMIT %s",
        *args,
        checked(limit) + 1,
    )
    return page([MEETING.read(row) for row in rows], limit, lambda found: (found.starts_at, found.meeting_id))
