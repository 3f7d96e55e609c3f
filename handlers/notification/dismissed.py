"""`meeting.dismissed.queue`: members hear that their meeting was called off."""

from __future__ import annotations

from contracts.meeting import MeetingDismissed
from contracts.notification import AnnounceNotification
from handlers.notification.rules import AUDIENCE
from momo.actors import Context, Decision, State, accept


def decide(command: MeetingDismissed, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    content = f"'{command.title}' 모임이 취소되었습니다. 결제하신 금액은 전액 환불됩니다."
    return accept(
        sends=[
            AnnounceNotification(
                member_ids=command.member_ids[start : start + AUDIENCE],
                type="meeting.cancelled",
                subject=f"meeting:{command.meeting_id}",
                content=content,
                meeting_id=command.meeting_id,
            )
            for start in range(0, len(command.member_ids), AUDIENCE)
        ]
    )
