"""`payment.failed.notification.queue`: a member hears that a payment failed, and why."""

from __future__ import annotations

from contracts.notification import CreateNotification
from contracts.payment import PaymentFailed
from momo.actors import Context, Decision, State, accept


def decide(command: PaymentFailed, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    notice = CreateNotification(
        member_id=command.member_id,
        type="payment.failed",
        subject=f"order:{command.order_id}",
        content=f"'{command.order_name}' 참가비 결제에 실패했습니다: {command.reason or command.code}",
        meeting_id=command.meeting_id,
    )
    return accept(sends=[notice])
