"""Meetings and the seats in them."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody
from msgspec import Meta
from msgspec.structs import replace

from contracts.meeting import CancelSeat, CreateMeeting, DeleteMeeting, JoinMeeting, MeetingView, Seat
from contracts.payment import DEFAULT_REFUND_POLICY, RefundStep
from momo.gateway.bodies import Body
from momo.gateway.documented import outcome
from momo.gateway.parameters import MOST_ID, Cursor, Id, Instant, Limit, asked, utc
from momo.gateway.problems import invalid, not_found, problem
from momo.gateway.routes import meetings
from momo.gateway.routes.given import Incoming, Using, Who
from momo.gateway.routes.user import VISIBLE
from momo.gateway.tokens import SIGNED_IN
from momo.queries import meeting as queries
from momo.queries.pages import Page


class Step(Body, frozen=True, kw_only=True):
    """Until `hours_before` hours before the start, `percent` of the fee is paid back."""

    hours_before: Annotated[int, Meta(ge=0, le=8760)]
    percent: Annotated[int, Meta(ge=0, le=100)]


class NewMeeting(Body, frozen=True, kw_only=True):
    """`fee` in KRW; places in degrees; `hold_seconds` is how long a seat is held for its payment."""

    title: Annotated[str, Meta(pattern=VISIBLE, min_length=1, max_length=100)]
    description: Annotated[str, Meta(max_length=5000)] = ""
    category_id: Annotated[int, Meta(ge=1, le=MOST_ID)]
    place_name: Annotated[str, Meta(pattern=VISIBLE, min_length=1, max_length=200)]
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    starts_at: Instant
    ends_at: Instant
    capacity: Annotated[int, Meta(ge=2, le=10_000)]
    fee: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    hold_seconds: Annotated[int, Meta(ge=5, le=1800)] = 600
    refund_policy: Annotated[list[Step], Meta(max_length=10)] | None = None


@post("/", status_code=202, responses=outcome(201, MeetingView), **SIGNED_IN)
async def create(
    request: Incoming,
    data: JSONBody[NewMeeting],
    member: Who,
    resources: Using,
) -> Response[bytes]:
    """Opens a meeting; the host takes the first seat."""
    if not await resources.categories.has(data.category_id):
        raise invalid("$.categoryId", "names no category; GET /api/v2/categories lists them")
    steps = data.refund_policy
    message = CreateMeeting(
        host_id=member.member_id,
        host_nickname=member.nickname,
        title=data.title,
        description=data.description,
        category_id=data.category_id,
        place_name=data.place_name,
        latitude=data.latitude,
        longitude=data.longitude,
        starts_at=utc("$.startsAt", data.starts_at),
        ends_at=utc("$.endsAt", data.ends_at),
        capacity=data.capacity,
        fee=data.fee,
        hold_seconds=data.hold_seconds,
        refund_policy=DEFAULT_REFUND_POLICY
        if steps is None
        else tuple(RefundStep(hours_before=step.hours_before, percent=step.percent) for step in steps),
    )
    return await resources.commands.send(request, "meeting", message, sender=member.sender)


@get("/{meeting_id:int}")
async def detail(meeting_id: Id, resources: Using) -> MeetingView:
    """One meeting, with the seats left, and its host as the user service knows them now."""
    found = await queries.meeting(resources.databases["meeting"], meeting_id)
    if found is None:
        raise not_found("meeting")
    host = await resources.users.get_user(found.host_id)
    return found if host is None else replace(found, host_nickname=host.nickname)


@post("/{meeting_id:int}/join", status_code=202, responses=outcome(200, Seat), **SIGNED_IN)
async def join(
    request: Incoming,
    meeting_id: Id,
    member: Who,
    resources: Using,
) -> Response[bytes]:
    """Takes a seat: at once where the meeting is free, held until it is paid, or a place on the waitlist."""
    message = JoinMeeting(meeting_id=meeting_id, member_id=member.member_id, nickname=member.nickname)
    return await resources.commands.send(request, "meeting", message, sender=member.sender)


@get("/{meeting_id:int}/join", **SIGNED_IN)
async def place(meeting_id: Id, member: Who, resources: Using) -> queries.Participation:
    """My own place: seated, held with what to pay until when, waiting with its position, or a former one."""
    found = await queries.participation(resources.databases["meeting"], meeting_id, member.member_id)
    if found is None:
        raise not_found("place of yours")
    return found


@get("/{meeting_id:int}/participants", **SIGNED_IN)
async def participants(
    meeting_id: Id,
    member: Who,
    resources: Using,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[queries.Attendee]:
    """Who has a confirmed seat; for the host."""
    database = resources.databases["meeting"]
    found = await queries.meeting(database, meeting_id)
    if found is None:
        raise not_found("meeting")
    if found.host_id != member.member_id:
        raise problem("not-host", "Only the host sees the participants", 403)
    with asked():
        return await queries.participants(database, meeting_id, cursor=cursor, limit=limit)


@delete("/{meeting_id:int}/join", status_code=202, responses=outcome(), **SIGNED_IN)
async def leave(
    request: Incoming,
    meeting_id: Id,
    member: Who,
    resources: Using,
) -> Response[bytes]:
    """Gives up a seat, a hold or a place on the waitlist; what was paid is refunded by the policy."""
    message = CancelSeat(meeting_id=meeting_id, member_id=member.member_id)
    return await resources.commands.send(request, "meeting", message, sender=member.sender)


@delete("/{meeting_id:int}", status_code=202, responses=outcome(), **SIGNED_IN)
async def call_off(
    request: Incoming,
    meeting_id: Id,
    member: Who,
    resources: Using,
) -> Response[bytes]:
    """The host calls the meeting off; everybody who paid is refunded in full."""
    message = DeleteMeeting(meeting_id=meeting_id, host_id=member.member_id)
    return await resources.commands.send(request, "meeting", message, sender=member.sender)


def router() -> Router:
    handlers = [create, detail, join, place, participants, leave, call_off, *meetings.HANDLERS]
    return Router("/api/v2/meetings", route_handlers=handlers, tags=["meetings"])
