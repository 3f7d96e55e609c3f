"""Lists of meetings: found by what is wanted, and my own."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get
from litestar.params import FromQuery, QueryParameter

from contracts.meeting import MeetingView
from momo.gateway.parameters import MOST_ID, Cursor, Limit, asked, instant
from momo.gateway.routes.given import Using, Who
from momo.gateway.tokens import SIGNED_IN
from momo.queries.meetings import MeetingFilter
from momo.queries.meetings import meetings as find
from momo.queries.mine import Role
from momo.queries.mine import mine as find_mine
from momo.queries.pages import Page

INSTANT = {"format": "date-time"}


@get("/")
async def meetings(  # noqa: PLR0917 - one for each filter
    resources: Using,
    category_id: Annotated[int | None, QueryParameter(name="categoryId", ge=1, le=MOST_ID)] = None,
    status: FromQuery[Literal["open", "full", "started", "finished", "cancelled"] | None] = None,
    starts_from: Annotated[str | None, QueryParameter(name="from", max_length=40, schema_extra=INSTANT)] = None,
    starts_until: Annotated[str | None, QueryParameter(name="to", max_length=40, schema_extra=INSTANT)] = None,
    text: Annotated[str | None, QueryParameter(max_length=100)] = None,
    host_id: Annotated[int | None, QueryParameter(name="hostId", ge=1, le=MOST_ID)] = None,
    free: FromQuery[bool | None] = None,
    seats_left: Annotated[bool, QueryParameter(name="seatsLeft")] = False,
    latitude: Annotated[float | None, QueryParameter(ge=-90, le=90)] = None,
    longitude: Annotated[float | None, QueryParameter(ge=-180, le=180)] = None,
    within_m: Annotated[int, QueryParameter(name="withinM", ge=1, le=1_000_000)] = 20_000,
    sort: FromQuery[Literal["soonest", "nearest", "newest"]] = "soonest",
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[MeetingView]:
    """Meetings for which all that is asked holds; `from` and `to` bound the start, `withinM` is in metres from the
    place. What is still to come, unless a status, `from` or a host is given."""
    wanted = MeetingFilter(
        category_id=category_id,
        status=status,
        starts_from=instant("from", starts_from),
        starts_until=instant("to", starts_until),
        text=text,
        host_id=host_id,
        free=free,
        seats_left=seats_left,
        latitude=latitude,
        longitude=longitude,
        within_m=within_m,
        sort=sort,
    )
    half = (latitude is None) is not (longitude is None) or (sort == "nearest" and latitude is None)
    with asked("latitude" if half else "cursor"):
        return await find(resources.databases["meeting"], wanted, cursor=cursor, limit=limit)


@get("/mine", **SIGNED_IN)
async def mine(
    member: Who,
    resources: Using,
    role: FromQuery[Role] = "joined",
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[MeetingView]:
    """The meetings that I host, am in, or wait for; the latest start first."""
    with asked():
        return await find_mine(resources.databases["meeting"], member.member_id, role, cursor=cursor, limit=limit)


HANDLERS = [meetings, mine]
