"""`meeting.joined.queue`: the member and the host hear of a confirmed seat."""

from __future__ import annotations

from contracts.meeting import MeetingJoined
from contracts.notification import CreateNotification
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: MeetingJoined, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    subject = f"meeting:{command.meeting_id}:member:{command.member_id}:{rules.moment(command.joined_at)}"
    told = {
        command.member_id: f"'{command.title}' 모임 참가가 확정되었습니다.",
        command.host_id: f"{rules.name(command.nickname)}이 '{command.title}' 모임에 참가했습니다.",
    }
    return accept(
        sends=[
            CreateNotification(
                member_id=member_id,
                type="meeting.joined",
                subject=subject,
                content=content,
                meeting_id=command.meeting_id,
            )
            for member_id, content in told.items()
        ]
    )
