"""`payment.confirm.queue`: the member has authenticated the payment; the charge is ordered once."""

from __future__ import annotations

import re

from msgspec.structs import replace

from contracts.payment import ChargePayment, ConfirmPayment
from handlers.payment import rules
from momo.actors import Context, Decision, NotYet, accept, refuse

_PAYMENT_KEY = re.compile(r"[!-~]{1,200}")


def decide(command: ConfirmPayment, state: rules.Order, context: Context) -> Decision:  # noqa: PLR0911 - each no stands alone
    payment = state.payment
    if payment is None:
        if not context.last_try:
            # A quick client confirms while the registration of its hold, in another queue, is still on its way.
            raise NotYet(f"no payment has the order {command.order_id!r} yet")
        return rules.unknown_order(command.order_id)
    if payment.member_id != command.member_id:
        return refuse("not-your-payment", "This payment is another member's", status=403)
    if payment.amount != command.amount:
        detail = f"The amount of this order is {payment.amount} KRW, not {command.amount}."
        return refuse("amount-differs", "The amount does not match", status=422, detail=detail)
    if not _PAYMENT_KEY.fullmatch(command.payment_key):
        detail = "Give the paymentKey that Toss's checkout returned: 1 to 200 visible ASCII characters."
        return refuse("invalid-payment-key", "The payment key is malformed", status=422, detail=detail)
    if payment.status == "EXPIRED":
        return refuse("payment-expired", "The time to pay is over", status=410, detail="Join the meeting again.")
    if payment.status == "FAILED":
        return refuse(
            "payment-failed", "This payment has failed", detail=f"{payment.failure_message} Join the meeting again."
        )
    if payment.status != "PENDING":
        if payment.payment_key != command.payment_key:
            return refuse("payment-under-way", f"Another payment of this order is {payment.status}")
        return accept(rules.view_of(payment))
    confirming = replace(
        payment,
        status="CONFIRMING",
        payment_key=command.payment_key,
        confirm_started_at=context.now,
        asked_at=context.now,
    )
    charge = ChargePayment(order_id=payment.order_id, payment_key=command.payment_key, amount=payment.amount)
    return accept(
        rules.view_of(confirming),
        saves=[confirming],
        sends=[charge],
        timers=[rules.look_again(confirming, context.now)],
        cancels=[rules.expire_timer(payment.order_id)],
    )
