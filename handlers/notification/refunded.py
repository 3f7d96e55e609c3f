"""`payment.refunded.queue`: a member hears how much was paid back."""

from __future__ import annotations

from contracts.notification import CreateNotification
from contracts.payment import PaymentRefunded
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: PaymentRefunded, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    notice = CreateNotification(
        member_id=command.member_id,
        type="payment.refunded",
        subject=f"order:{command.order_id}:{command.returned}",
        content=f"'{command.order_name}' 참가비 {rules.won(command.amount)}이 환불되었습니다.",
        meeting_id=command.meeting_id,
    )
    return accept(sends=[notice])
