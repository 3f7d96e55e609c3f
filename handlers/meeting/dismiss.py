"""`meeting.dismiss.queue`: the next members of a meeting that was called off leave it, refunded in full."""

from __future__ import annotations

from typing import Annotated

from contracts.base import Message
from contracts.meeting import DismissMembers, MeetingDismissed
from contracts.payment import ExpirePayment, RefundPayment
from handlers.meeting import rules, seats
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, Key, Rows, State, accept

NEXT = Rows(where={"meeting_id": "meeting_id"}, equals={"active": 1}, order="member_id", limit=rules.CHUNK)


class Chunk(State, frozen=True, kw_only=True):
    meeting: Annotated[Meeting | None, Key("meeting_id")]
    places: Annotated[tuple[Participant, ...], NEXT]


def decide(command: DismissMembers, state: Chunk, context: Context) -> Decision:
    meeting = state.meeting
    if meeting is None:
        return rules.unknown_meeting(command.meeting_id)
    if meeting.status != "cancelled":
        return rules.illegal("meeting", meeting.status, "dismissed")
    leaving = [place for place in state.places if place.active]
    if not leaving:
        return accept()
    places: list[Participant] = []
    sends: list[Message] = []
    for place in leaving:
        moved = seats.move(meeting, place, "dismissed", context.now)
        meeting = moved.meeting
        places += moved.places
        sends += _settled(place, context)
    told = tuple(place.member_id for place in leaving if not place.host)
    if told:
        sends.append(MeetingDismissed(meeting_id=meeting.meeting_id, title=meeting.title, member_ids=told))
    if len(state.places) == rules.CHUNK:
        sends.append(command)
    cancels = [rules.hold_timer(place.order_id) for place in leaving if place.status == "held"]
    return accept(saves=[meeting, *places], sends=sends, cancels=cancels)


def _settled(place: Participant, context: Context) -> list[Message]:
    if place.status == "held":
        return [ExpirePayment(order_id=place.order_id)]
    if place.status != "seated" or place.paid_amount == 0:
        return []
    return [RefundPayment(order_id=place.order_id, amount="full", reason="meeting called off", at=context.now)]
