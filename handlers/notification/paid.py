"""`payment.completed.notification.queue`: a member hears that a payment came through."""

from __future__ import annotations

from contracts.notification import CreateNotification
from contracts.payment import PaymentCompleted
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: PaymentCompleted, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    notice = CreateNotification(
        member_id=command.member_id,
        type="payment.completed",
        subject=f"order:{command.order_id}",
        content=f"'{command.order_name}' 참가비 {rules.won(command.amount)} 결제가 완료되었습니다.",
        meeting_id=command.meeting_id,
    )
    return accept(sends=[notice])
