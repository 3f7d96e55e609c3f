"""`payment.expire.queue`: the hold is gone; a payment that nobody has begun to confirm can no longer be made."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.payment import ExpirePayment
from handlers.payment import rules
from momo.actors import Context, Decision, accept


def decide(command: ExpirePayment, state: rules.Order, context: Context) -> Decision:  # noqa: ARG001 - no clock needed
    payment = state.payment
    if payment is None or payment.status != "PENDING":
        return accept()
    return accept(saves=[replace(payment, status="EXPIRED")], cancels=[rules.expire_timer(payment.order_id)])
