"""The list of meetings: filtered, sorted and paged."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal

import msgspec

from contracts.meeting import MeetingView
from contracts.moment import Moment
from momo.queries.database import Database
from momo.queries.meeting import MEETING
from momo.queries.pages import Page, checked, cursor_of, key_in

EARTH_M = 6_371_000
_DEGREE_M = math.pi * EARTH_M / 180

_UPCOMING = "starts_at > UTC_TIMESTAMP(6)"
_PHASES = {
    "open": f"status = 'open' AND {_UPCOMING}",
    "full": f"status = 'full' AND {_UPCOMING}",
    "started": "status <> 'cancelled' AND starts_at <= UTC_TIMESTAMP(6) AND ends_at > UTC_TIMESTAMP(6)",
    "finished": "status <> 'cancelled' AND ends_at <= UTC_TIMESTAMP(6)",
    "cancelled": "status = 'cancelled'",
}


class MeetingFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to look for; all of it must hold. Without `status`, `starts_from` and `host_id`: what is still to come.

    Distances are in metres from (`latitude`, `longitude`), in degrees; `nearest` needs both.
    """

    category_id: int | None = None
    status: Literal["open", "full", "started", "finished", "cancelled"] | None = None
    starts_from: Moment | None = None
    starts_until: Moment | None = None
    text: str | None = None
    host_id: int | None = None
    free: bool | None = None
    seats_left: bool = False
    latitude: float | None = None
    longitude: float | None = None
    within_m: int = 20_000
    sort: Literal["soonest", "nearest", "newest"] = "soonest"


async def meetings(
    db: Database, wanted: MeetingFilter, *, cursor: str | None = None, limit: int = 20
) -> Page[MeetingView]:
    """A page of meetings. Raises ValueError for a malformed cursor or limit, or a place that is only half given."""
    place = _place(wanted)
    distance, args = _distance(place) if place else ("0", [])
    clauses, values = _clauses(wanted)
    if place:
        box, corners = _box(place, wanted.within_m)
        clauses += [*box, f"{distance} <= %s"]
        values += [*corners, *args, wanted.within_m]
    order, seek, after = _sort(wanted.sort, distance, args, cursor)
    clauses += seek
    rows = await db.rows(
        f"SELECT {MEETING.columns}, {distance} AS metres FROM meetings"
        f" WHERE {' AND '.join(clauses) or 'TRUE'} ORDER BY {order} LIMIT %s",
        *args,
        *values,
        *after,
        checked(limit) + 1,
    )
    items = [MEETING.read(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(items=items)
    last = items[-1]
    keys = {"soonest": last.starts_at, "newest": last.created_at, "nearest": int(rows[limit - 1][-1])}
    return Page(items=items, next=cursor_of(wanted.sort, keys[wanted.sort], last.meeting_id))


def _clauses(wanted: MeetingFilter) -> tuple[list[str], list[Any]]:
    found: list[tuple[str, list[Any]]] = []
    if wanted.category_id is not None:
        found.append(("category_id = %s", [wanted.category_id]))
    if wanted.status is not None:
        found.append((_PHASES[wanted.status], []))
    elif wanted.starts_from is None and wanted.host_id is None:
        found.append((f"status <> 'cancelled' AND {_UPCOMING}", []))
    if wanted.starts_from is not None:
        found.append(("starts_at >= %s", [wanted.starts_from]))
    if wanted.starts_until is not None:
        found.append(("starts_at < %s", [wanted.starts_until]))
    if wanted.text:
        pattern = "%" + wanted.text.replace("|", "||").replace("%", "|%").replace("_", "|_") + "%"
        found.append(("(title LIKE %s ESCAPE '|' OR description LIKE %s ESCAPE '|')", [pattern, pattern]))
    if wanted.host_id is not None:
        found.append(("host_id = %s", [wanted.host_id]))
    if wanted.free is not None:
        found.append(("fee = 0" if wanted.free else "fee > 0", []))
    if wanted.seats_left:
        found.append(("seated + held < capacity", []))
    return [clause for clause, _ in found], [value for _, values in found for value in values]


def _place(wanted: MeetingFilter) -> tuple[float, float] | None:
    if wanted.latitude is None or wanted.longitude is None:
        if wanted.latitude is not wanted.longitude or wanted.sort == "nearest":
            raise ValueError("give latitude and longitude together; sorting by distance needs both")
        return None
    if not (abs(wanted.latitude) <= 90 and abs(wanted.longitude) <= 180):
        raise ValueError("give a latitude from -90 to 90 and a longitude from -180 to 180")
    return wanted.latitude, wanted.longitude


def _distance(place: tuple[float, float]) -> tuple[str, list[Any]]:
    """The haversine distance in whole metres: whole, so that a cursor can hold it exactly."""
    latitude, longitude = place
    return (
        (
            f"CAST(ROUND(2 * {EARTH_M} * ASIN(SQRT(LEAST(1, POWER(SIN(RADIANS(latitude - %s) / 2), 2)"
            " + COS(RADIANS(%s)) * COS(RADIANS(latitude)) * POWER(SIN(RADIANS(longitude - %s) / 2), 2))))) AS SIGNED)"
        ),
        [latitude, latitude, longitude],
    )


def _box(place: tuple[float, float], metres: int) -> tuple[list[str], list[Any]]:
    """A box around the circle, for the index; its sides are left open where it would cross a pole or the date line."""
    latitude, longitude = place
    high = metres / _DEGREE_M + 0.001
    clauses, corners = ["latitude BETWEEN %s AND %s"], [latitude - high, latitude + high]
    if abs(latitude) + high < 90:
        wide = high / math.cos(math.radians(abs(latitude) + high))
        if abs(longitude) + wide < 180:
            clauses.append("longitude BETWEEN %s AND %s")
            corners += [longitude - wide, longitude + wide]
    return clauses, corners


def _sort(sort: str, distance: str, distance_args: list[Any], cursor: str | None) -> tuple[str, list[str], list[Any]]:
    """ORDER BY, the clause that seeks behind the cursor, and its arguments."""
    column, order, kind = {
        "soonest": ("starts_at", "ASC", datetime),
        "newest": ("created_at", "DESC", datetime),
        "nearest": ("metres", "ASC", int),
    }[sort]
    order_by = f"{column} {order}, meeting_id {order}"
    if cursor is None:
        return order_by, [], []
    _, key, last = key_in(cursor, Literal[sort], kind, int)
    value, args = (distance, distance_args) if sort == "nearest" else (column, [])
    beyond = ">" if order == "ASC" else "<"
    seek = f"({value} {beyond} %s OR ({value} = %s AND meeting_id {beyond} %s))"
    return order_by, [seek], [*args, key, *args, key, last]
