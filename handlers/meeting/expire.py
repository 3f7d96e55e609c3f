"""`meeting.expire.queue`: a held seat was not paid for in time; it goes to the first who waits."""

from __future__ import annotations

from typing import Annotated

from contracts.meeting import ExpireHold
from contracts.payment import ExpirePayment
from handlers.meeting import rules, seats
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, Key, Rows, State, accept

WAITING = Rows(where={"meeting_id": "meeting_id"}, equals={"status": "waiting"}, order="waitlist_no", limit=1)


class Leaving(State, frozen=True, kw_only=True):
    meeting: Annotated[Meeting | None, Key("meeting_id")]
    participant: Annotated[Participant | None, Key("meeting_id", "member_id")]
    waiting: Annotated[tuple[Participant, ...], WAITING]


def decide(command: ExpireHold, state: Leaving, context: Context) -> Decision:
    meeting, place = state.meeting, state.participant
    if meeting is None or place is None or not rules.holds(place, command.order_id):
        return accept()
    moved = seats.promote(seats.move(meeting, place, "expired", context.now), state.waiting, context.now)
    return accept(
        saves=[moved.meeting, *moved.places],
        sends=[ExpirePayment(order_id=command.order_id), *moved.sends],
        timers=moved.timers,
    )
