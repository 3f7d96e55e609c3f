"""`meeting.cancelled.queue`: the host hears that a member gave up a seat."""

from __future__ import annotations

from contracts.meeting import MeetingCancelled
from contracts.notification import CreateNotification
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: MeetingCancelled, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    moment = rules.moment(command.cancelled_at)
    notice = CreateNotification(
        member_id=command.host_id,
        type="meeting.left",
        subject=f"meeting:{command.meeting_id}:member:{command.member_id}:{moment}",
        content=f"{rules.name(command.nickname)}이 '{command.title}' 모임 참가를 취소했습니다.",
        meeting_id=command.meeting_id,
    )
    return accept(sends=[notice])
