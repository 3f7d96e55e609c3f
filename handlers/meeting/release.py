"""`payment.failed.queue`: the payment of a held seat failed; the seat goes to the first who waits."""

from __future__ import annotations

from contracts.payment import PaymentFailed
from handlers.meeting import rules, seats
from handlers.meeting.expire import Leaving
from momo.actors import Context, Decision, accept


def decide(command: PaymentFailed, state: Leaving, context: Context) -> Decision:
    meeting, place = state.meeting, state.participant
    if meeting is None or place is None or not rules.holds(place, command.order_id):
        return accept()
    moved = seats.promote(seats.move(meeting, place, "expired", context.now), state.waiting, context.now)
    return accept(
        saves=[moved.meeting, *moved.places],
        sends=moved.sends,
        timers=moved.timers,
        cancels=[rules.hold_timer(command.order_id)],
    )
