"""`payment.completed.queue`: the saga of a paid seat. Whoever has paid is seated, or gets all of it back.

Money that comes after its hold has expired still takes a seat while one is free and nobody has chosen otherwise.
"""

from __future__ import annotations

from msgspec.structs import replace

from contracts.payment import PaymentCompleted, RefundPayment
from handlers.meeting import rules, seats
from handlers.meeting.join import Place
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, Record, accept


def decide(command: PaymentCompleted, state: Place, context: Context) -> Decision:
    meeting, place = state.meeting, state.participant
    number = rules.hold_of(command.order_id, command.meeting_id, command.member_id)
    if meeting is None or place is None or number is None:
        return _refund(command, context)
    if number in place.paid_holds:
        return accept()
    place = replace(place, paid_holds=(*place.paid_holds, number))
    if not _may_sit(meeting, place, number, context):
        return _refund(command, context, place)
    moved = seats.seat(meeting, replace(place, paid_amount=command.amount), context.now)
    return accept(saves=[moved.meeting, *moved.places], sends=moved.sends, cancels=[rules.hold_timer(command.order_id)])


def _may_sit(meeting: Meeting, place: Participant, number: int, context: Context) -> bool:
    phase = rules.phase_of(meeting, context.now)
    if number != place.hold_no:
        return False
    if place.status == "held":
        return phase in ("open", "full", "started")
    return place.status == "expired" and phase == "open" and rules.free_seats(meeting) > 0


def _refund(command: PaymentCompleted, context: Context, *saves: Record) -> Decision:
    refund = RefundPayment(order_id=command.order_id, amount="full", reason="no seat for it", at=context.now)
    return accept(saves=saves, sends=[refund])
