"""`meeting.offered.queue`: the first on the waitlist hears that a seat may be paid for."""

from __future__ import annotations

from contracts.meeting import MeetingOffered
from contracts.notification import CreateNotification
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: MeetingOffered, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    until, price = rules.kst(command.expires_at), rules.won(command.amount)
    notice = CreateNotification(
        member_id=command.member_id,
        type="meeting.offer",
        subject=f"order:{command.order_id}",
        content=f"'{command.title}' 모임에 자리가 났습니다. {until}까지 {price}을 결제하면 참가가 확정됩니다.",
        meeting_id=command.meeting_id,
    )
    return accept(sends=[notice])
