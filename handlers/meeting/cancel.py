"""`meeting.cancel.queue`: a member gives up a seat, a hold or a place on the waitlist; the first who waits moves up."""

from __future__ import annotations

from contracts.base import Message
from contracts.meeting import CancelSeat, MeetingCancelled
from contracts.payment import ExpirePayment, RefundPayment
from handlers.meeting import rules, seats
from handlers.meeting.expire import Leaving
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, accept, refuse


def decide(command: CancelSeat, state: Leaving, context: Context) -> Decision:  # noqa: PLR0911 - each no stands alone
    meeting, place, now = state.meeting, state.participant, context.now
    if meeting is None:
        return rules.unknown_meeting(command.meeting_id)
    phase = rules.phase_of(meeting, now)
    if phase == "cancelled":
        return rules.cancelled_meeting()
    if place is None:
        return refuse("no-place", "You are not in this meeting", status=404)
    if place.host:
        return refuse("host-stays", "The host can't leave", detail="Call the meeting off instead.")
    if not place.active:
        return rules.illegal("place", place.status, "left")
    if phase in ("started", "finished"):
        return rules.illegal("meeting", phase, "left")
    moved = seats.move(meeting, place, "left", now)
    if place.status == "waiting":
        return accept(saves=[moved.meeting, *moved.places])
    moved = seats.promote(moved, state.waiting, now)
    return accept(
        saves=[moved.meeting, *moved.places],
        sends=[*_farewell(meeting, place, context), *moved.sends],
        timers=moved.timers,
        cancels=[rules.hold_timer(place.order_id)] if place.status == "held" else [],
    )


def _farewell(meeting: Meeting, place: Participant, context: Context) -> list[Message]:
    if place.status == "held":
        return [ExpirePayment(order_id=place.order_id)]
    cancelled = MeetingCancelled(
        meeting_id=meeting.meeting_id,
        title=meeting.title,
        host_id=meeting.host_id,
        member_id=place.member_id,
        nickname=place.nickname,
        cancelled_at=context.now,
    )
    if place.paid_amount == 0:
        return [cancelled]
    return [cancelled, RefundPayment(order_id=place.order_id, amount="policy", reason="seat given up", at=context.now)]
