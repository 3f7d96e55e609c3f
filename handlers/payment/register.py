"""`payment.register.queue`: opens the payment of a held seat; unpaid, it expires with the hold."""

from __future__ import annotations

from datetime import UTC

from contracts.payment import ExpirePayment, RegisterPayment
from handlers.payment import rules
from handlers.payment.records import Payment
from momo.actors import Context, Decision, Timer, accept


def decide(command: RegisterPayment, state: rules.Order, context: Context) -> Decision:
    if state.payment is not None:
        return accept()
    payment = Payment(
        order_id=command.order_id,
        meeting_id=command.meeting_id,
        member_id=command.member_id,
        order_name=command.order_name[:100],
        amount=command.amount,
        starts_at=command.starts_at.astimezone(UTC),
        expires_at=command.expires_at.astimezone(UTC),
        refund_policy=command.refund_policy,
        created_at=context.now,
    )
    # The meeting service says so too when a hold ends; should its message overtake this one, the timer remains.
    expire = Timer(
        key=rules.expire_timer(payment.order_id),
        due=payment.expires_at,
        message=ExpirePayment(order_id=payment.order_id),
    )
    return accept(saves=[payment], timers=[expire])
