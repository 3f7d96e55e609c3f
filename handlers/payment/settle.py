"""`payment.settle.queue`: our record follows what Toss says of an order.

Snapshots may come twice and in any order: money that was seen is never unseen, and what comes late is still announced,
so that the meeting service decides about it.
"""

from __future__ import annotations

from msgspec.structs import replace

from contracts.payment import SettlePayment
from handlers.payment import charges, rules
from handlers.payment.records import Payment
from momo.actors import Context, Decision, accept

_MONEY_IN = ("DONE", "PARTIAL_CANCELED", "CANCELED")
_REFUSED = ("ABORTED", "EXPIRED")


def decide(  # noqa: PLR0911 - each kind of answer stands alone
    command: SettlePayment, state: rules.Order, context: Context
) -> Decision:
    payment = state.payment
    if payment is None:
        return rules.unknown_order(command.order_id)
    if command.status == rules.UNKNOWN:
        return accept(timers=[rules.look_again(payment, context.now)])
    if command.status in _MONEY_IN:
        if command.total_amount != payment.amount:
            raise ValueError(
                f"Toss took {command.total_amount} KRW for order {payment.order_id}, which costs {payment.amount}"
            )
        return charges.paid(command, payment, context)
    if payment.status in (*rules.PAID, "FAILED", "EXPIRED"):
        return accept()
    if command.status not in _REFUSED:
        return _unfinished(payment, context)
    if payment.payment_key and command.payment_key not in ("", payment.payment_key):
        return accept()  # An earlier try in the checkout window failed; another is under way.
    return charges.failed(payment, command.code or command.status, command.message)


def _unfinished(payment: Payment, context: Context) -> Decision:
    """Toss has not heard of the payment, or is not done with it: the charge may be ordered again while it can."""
    if payment.status == "PENDING" or payment.confirm_started_at is None:
        return accept()
    if context.now - payment.confirm_started_at >= rules.CONFIRM_WINDOW:
        return charges.timed_out(payment, context)
    if rules.asked_lately(payment, context.now):
        return accept(timers=[rules.look_again(payment, context.now)])
    payment = replace(payment, asked_at=context.now)
    return accept(saves=[payment], sends=[charges.charge_of(payment)], timers=[rules.look_again(payment, context.now)])
