"""`meeting.withdraw.queue`: seats of a member who left MOMO are given up, their meetings called off, in chunks.

Giving up a seat is a command of its own and takes its time, so a chunk marks the places it has dealt with: the next
one finds the next places, and the last finds fewer than a chunk. What is past is refused where it arrives.
"""

from __future__ import annotations

from typing import Annotated

from msgspec.structs import replace

from contracts.base import Message
from contracts.meeting import CancelSeat, DeleteMeeting, WithdrawMember
from handlers.meeting import rules
from handlers.meeting.records import Participant
from momo.actors import Context, Decision, Rows, State, accept

NEXT = Rows(
    where={"member_id": "member_id"}, equals={"active": 1, "withdrawing": 0}, order="meeting_id", limit=rules.CHUNK
)


class Places(State, frozen=True, kw_only=True):
    places: Annotated[tuple[Participant, ...], NEXT]


def decide(command: WithdrawMember, state: Places, context: Context) -> Decision:  # noqa: ARG001 - no clock needed
    leaving = [place for place in state.places if place.active and not place.withdrawing]
    more = [command] if len(state.places) == rules.CHUNK else []
    return accept(
        saves=[replace(place, withdrawing=True) for place in leaving],
        sends=[*(_farewell(place) for place in leaving), *more],
    )


def _farewell(place: Participant) -> Message:
    if place.host:
        return DeleteMeeting(meeting_id=place.meeting_id, host_id=place.member_id)
    return CancelSeat(meeting_id=place.meeting_id, member_id=place.member_id)
