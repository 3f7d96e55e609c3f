"""`meeting.delete.queue`: the host calls the meeting off; its members are dismissed in chunks."""

from __future__ import annotations

from typing import Annotated

from msgspec.structs import replace

from contracts.meeting import DeleteMeeting, DismissMembers
from handlers.meeting import rules
from handlers.meeting.records import Meeting
from momo.actors import Context, Decision, Key, State, accept, refuse


class Hosted(State, frozen=True, kw_only=True):
    meeting: Annotated[Meeting | None, Key("meeting_id")]


def decide(command: DeleteMeeting, state: Hosted, context: Context) -> Decision:
    meeting = state.meeting
    if meeting is None:
        return rules.unknown_meeting(command.meeting_id)
    if meeting.host_id != command.host_id:
        return refuse("not-host", "Only the host can call the meeting off", status=403)
    phase = rules.phase_of(meeting, context.now)
    if phase not in ("open", "full"):
        return rules.illegal("meeting", phase, "cancelled")
    return accept(
        saves=[replace(meeting, status="cancelled", version=meeting.version + 1)],
        sends=[DismissMembers(meeting_id=meeting.meeting_id)],
    )
