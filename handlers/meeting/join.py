"""`meeting.join.queue`: a member takes a seat (free), a hold (paid), or a place on the waitlist (full)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec.structs import replace

from contracts.meeting import JoinMeeting, Seat
from handlers.meeting import rules, seats
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, Key, State, accept


class Place(State, frozen=True, kw_only=True):
    meeting: Annotated[Meeting | None, Key("meeting_id")]
    participant: Annotated[Participant | None, Key("meeting_id", "member_id")]


def decide(command: JoinMeeting, state: Place, context: Context) -> Decision:
    meeting, now = state.meeting, context.now
    if meeting is None:
        return rules.unknown_meeting(command.meeting_id)
    phase = rules.phase_of(meeting, now)
    if phase == "cancelled":
        return rules.cancelled_meeting()
    if phase in ("started", "finished"):
        return rules.illegal("meeting", phase, "joined")
    if state.participant is not None and state.participant.active:
        return rules.illegal("place", state.participant.status, "joined")
    place = _place(command, state.participant, context)
    if rules.free_seats(meeting) < 1 or meeting.waiting > 0:
        meeting = replace(meeting, waitlist_seq=meeting.waitlist_seq + 1)
        moved = seats.move(meeting, replace(place, waitlist_no=meeting.waitlist_seq), "waiting", now)
        return accept(Seat(status="waiting", position=moved.meeting.waiting), saves=[moved.meeting, *moved.places])
    moved = seats.take(meeting, place, now, now + timedelta(seconds=meeting.hold_seconds))
    (place,) = moved.places
    seat = Seat(status=place.status)
    if place.status == "held":
        seat = replace(seat, order_id=place.order_id, amount=meeting.fee, hold_expires_at=place.hold_expires_at)
    return accept(seat, saves=[moved.meeting, place], sends=moved.sends, timers=moved.timers)


def _place(command: JoinMeeting, before: Participant | None, context: Context) -> Participant:
    nickname = command.nickname[:50]
    if before is not None:
        # Holds are counted on: an order that was paid late for an earlier hold must never pay for this one.
        return replace(before, nickname=nickname or before.nickname, paid_amount=0, joined_at=context.now)
    return Participant(
        meeting_id=command.meeting_id,
        member_id=command.member_id,
        nickname=nickname,
        status="new",
        joined_at=context.now,
        changed_at=context.now,
    )
