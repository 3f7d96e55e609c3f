"""How members move between seats, holds and the waitlist: the one place where a meeting's counters change."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from contracts.base import Message
from contracts.meeting import ExpireHold, MeetingJoined, MeetingOffered
from contracts.payment import RegisterPayment
from handlers.meeting import rules
from handlers.meeting.records import Meeting, Participant
from momo.actors import Timer

OFFER = timedelta(minutes=30)
"""How long a seat that became free is offered to the first who waits; never beyond the start."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The meeting after one or more members moved, their places, and what it sends and schedules."""

    meeting: Meeting
    places: tuple[Participant, ...] = ()
    sends: tuple[Message, ...] = ()
    timers: tuple[Timer, ...] = ()


def move(meeting: Meeting, place: Participant, status: str, now: datetime) -> Move:
    """`place` becomes `status`; the counters follow."""
    counts = {name: getattr(meeting, name) for name in rules.ACTIVE}
    if place.status in counts:
        counts[place.status] -= 1
    if status in counts:
        counts[status] += 1
    full = counts["seated"] + counts["held"] >= meeting.capacity
    phase = "cancelled" if meeting.status == "cancelled" else "full" if full else "open"
    return Move(
        meeting=replace(meeting, **counts, status=phase, version=meeting.version + 1),
        places=(replace(place, status=status, active=status in counts, changed_at=now),),
    )


def seat(meeting: Meeting, place: Participant, now: datetime) -> Move:
    """Confirms a seat (free, or just paid for) and announces it."""
    moved = move(meeting, replace(place, joined_at=now, hold_expires_at=None), "seated", now)
    joined = MeetingJoined(
        meeting_id=meeting.meeting_id,
        title=meeting.title,
        host_id=meeting.host_id,
        member_id=place.member_id,
        nickname=place.nickname,
        joined_at=now,
    )
    return replace(moved, sends=(joined,))


def hold(meeting: Meeting, place: Participant, now: datetime, until: datetime) -> Move:
    """Keeps a seat until it is paid for, under a new order; a timer gives it up."""
    number = place.hold_no + 1
    order_id = rules.order_of(meeting.meeting_id, place.member_id, number)
    held = replace(place, hold_no=number, order_id=order_id, hold_expires_at=until, paid_amount=0)
    register = RegisterPayment(
        order_id=order_id,
        meeting_id=meeting.meeting_id,
        member_id=place.member_id,
        order_name=meeting.title,
        amount=meeting.fee,
        starts_at=meeting.starts_at,
        expires_at=until,
        refund_policy=meeting.refund_policy,
    )
    expire = ExpireHold(meeting_id=meeting.meeting_id, member_id=place.member_id, order_id=order_id)
    timer = Timer(key=rules.hold_timer(order_id), due=until, message=expire)
    return replace(move(meeting, held, "held", now), sends=(register,), timers=(timer,))


def take(meeting: Meeting, place: Participant, now: datetime, until: datetime) -> Move:
    """Gives a free seat: at once where the meeting costs nothing, else as a hold until `until`."""
    if meeting.fee == 0:
        return seat(meeting, place, now)
    return hold(meeting, place, now, until)


def promote(freed: Move, waiting: tuple[Participant, ...], now: datetime) -> Move:
    """A seat may have become free: the first who waits takes it, or is offered it."""
    meeting = freed.meeting
    place = next((place for place in waiting if place.status == "waiting"), None)
    if place is None or rules.free_seats(meeting) < 1 or rules.phase_of(meeting, now) != "open":
        return freed
    taken = take(meeting, place, now, min(now + OFFER, meeting.starts_at))
    offers = tuple(
        MeetingOffered(
            meeting_id=meeting.meeting_id,
            title=meeting.title,
            member_id=place.member_id,
            order_id=held.order_id,
            amount=meeting.fee,
            expires_at=held.hold_expires_at,
        )
        for held in taken.places
        if held.hold_expires_at is not None
    )
    return Move(
        meeting=taken.meeting,
        places=freed.places + taken.places,
        sends=freed.sends + taken.sends + offers,
        timers=freed.timers + taken.timers,
    )
