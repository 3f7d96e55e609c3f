"""`payment.refund.queue`: money goes back, by the policy frozen at purchase or all that is left."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.payment import RefundPayment
from handlers.payment import rules
from momo.actors import Context, Decision, accept


def decide(command: RefundPayment, state: rules.Order, context: Context) -> Decision:
    payment = state.payment
    if payment is None:
        return rules.unknown_order(command.order_id)
    if payment.status == "PENDING":
        return accept(saves=[replace(payment, status="EXPIRED")], cancels=[rules.expire_timer(payment.order_id)])
    if payment.status == "CONFIRMING":
        return accept(saves=[replace(payment, refund_owed=True)])
    reason = command.reason[:200]
    if payment.status not in rules.PAID or any(refund.reason == reason for refund in payment.refunds):
        return accept()
    rest = payment.amount - payment.refunded_amount
    wanted = payment.amount
    if command.amount == "policy":
        wanted = rules.by_policy(payment.amount, payment.refund_policy, command.at, payment.starts_at)
    amount = min(rest, wanted)
    if amount == 0:
        return accept()
    payment, order = rules.refunded(payment, amount, reason, context.now)
    return accept(saves=[payment], sends=[order], timers=[rules.look_again(payment, context.now)])
