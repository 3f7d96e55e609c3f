"""`meeting.dismissed.queue`: members hear that their meeting was called off."""

from __future__ import annotations

from contracts.meeting import MeetingDismissed
from contracts.notification import CreateNotification
from momo.actors import Context, Decision, State, accept


def decide(command: MeetingDismissed, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    content = f"'{command.title}' 모임이 취소되었습니다. 결제하신 금액은 전액 환불됩니다."
    return accept(
        sends=[
            CreateNotification(
                member_id=member_id,
                type="meeting.cancelled",
                subject=f"meeting:{command.meeting_id}",
                content=content,
                meeting_id=command.meeting_id,
            )
            for member_id in command.member_ids
        ]
    )
