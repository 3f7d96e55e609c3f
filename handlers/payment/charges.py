"""What follows from a charge that Toss has made or refused, and from money that it has given back."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from msgspec.structs import replace

from contracts.base import Message
from contracts.payment import (
    ChargePayment,
    InspectPayment,
    PaymentCompleted,
    PaymentFailed,
    PaymentRefunded,
    SettlePayment,
)
from handlers.payment import rules
from handlers.payment.records import Payment
from momo.actors import Context, Decision, Timer, accept


def charge_of(payment: Payment) -> ChargePayment:
    return ChargePayment(order_id=payment.order_id, payment_key=payment.payment_key, amount=payment.amount)


def paid(snapshot: SettlePayment, payment: Payment, context: Context) -> Decision:
    """Toss has taken the money; some of it may have gone back since."""
    before = payment
    sends: list[Message] = []
    if payment.status not in rules.PAID:
        payment, sends = _completed(snapshot, payment, context)
    returned = max(payment.returned_amount, snapshot.total_amount - snapshot.balance_amount)
    difference = returned - payment.returned_amount
    # More may come back than we asked for: somebody cancelled in Toss's own console.
    payment = replace(payment, returned_amount=returned, refunded_amount=max(payment.refunded_amount, returned))
    payment = replace(payment, status=_status(payment))
    if difference > 0:
        sends.append(_refunded(payment, difference))
    if payment.returned_amount == payment.refunded_amount:
        return accept(saves=[] if payment == before else [payment], sends=sends, cancels=_timers(payment))
    if not rules.asked_lately(payment, context.now):
        payment = replace(payment, asked_at=context.now)
        sends += [rules.returning(payment, refund) for refund in rules.outstanding(payment)]
    saves = [] if payment == before else [payment]
    return accept(saves=saves, sends=sends, timers=[rules.look_again(payment, context.now)])


def failed(payment: Payment, code: str, message: str) -> Decision:
    """No money was taken."""
    reason = message[:500] or code[:100]
    over = replace(payment, status="FAILED", failure_code=code[:100], failure_message=reason, refund_owed=False)
    announced = PaymentFailed(**_about(payment), code=over.failure_code, reason=reason)
    return accept(saves=[over], sends=[announced], cancels=_timers(payment))


def timed_out(payment: Payment, context: Context) -> Decision:
    """Toss can't take the money any more. The snapshot may have been older than that, so one last look follows."""
    decision = failed(payment, "CONFIRM_TIMED_OUT", "The payment was not confirmed in time.")
    last = Timer(
        key=rules.inspect_timer(payment.order_id),
        due=context.now + rules.LOOK_AGAIN_LATEST,
        message=InspectPayment(order_id=payment.order_id),
    )
    return replace(decision, cancels=(), timers=(last,))


def _completed(snapshot: SettlePayment, payment: Payment, context: Context) -> tuple[Payment, list[Message]]:
    approved_at = (snapshot.approved_at or context.now).astimezone(UTC)
    done = replace(
        payment,
        status="COMPLETED",
        payment_key=snapshot.payment_key or payment.payment_key,
        approved_at=approved_at,
        failure_code="",
        failure_message="",
    )
    if payment.refund_owed:
        # Whoever asked for the refund has given the seat away: announcing the payment could seat for nothing.
        gone = snapshot.total_amount - snapshot.balance_amount
        done = replace(done, refunded_amount=gone, refund_owed=False)
        if gone == done.amount:
            return done, []
        done, order = rules.refunded(done, done.amount - gone, "seat given up before the payment", context.now)
        return done, [order]
    return done, [PaymentCompleted(**_about(payment), amount=payment.amount, approved_at=approved_at)]


def _status(payment: Payment) -> str:
    if payment.returned_amount == 0:
        return "COMPLETED"
    return "REFUNDED" if payment.returned_amount == payment.amount else "PARTIALLY_REFUNDED"


def _refunded(payment: Payment, amount: int) -> PaymentRefunded:
    reason = payment.refunds[-1].reason if payment.refunds else "cancelled at the provider"
    remaining = payment.amount - payment.returned_amount
    return PaymentRefunded(
        **_about(payment), amount=amount, returned=payment.returned_amount, remaining=remaining, reason=reason
    )


def _about(payment: Payment) -> dict[str, Any]:
    return {name: getattr(payment, name) for name in ("order_id", "meeting_id", "member_id", "order_name")}


def _timers(payment: Payment) -> list[str]:
    return [rules.inspect_timer(payment.order_id), rules.expire_timer(payment.order_id)]
