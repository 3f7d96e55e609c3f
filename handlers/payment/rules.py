"""What the payment service's handlers agree on: timers, the refund policy, and what is still owed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec.structs import asdict, fields, replace

from contracts.payment import InspectPayment, PaymentView, RefundStep, ReturnPayment
from handlers.payment.records import Payment, Refund
from momo.actors import Decision, Key, State, Timer, refuse

PAID = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
LOOK_AGAIN = timedelta(seconds=60)
"""How long Toss may take before it is asked what became of a charge or a refund."""
LOOK_AGAIN_LATEST = timedelta(hours=1)
UNKNOWN = "UNKNOWN"
"""The status of a settlement where Toss could not be asked: nothing is concluded, and it is asked again."""
CONFIRM_WINDOW = timedelta(minutes=10)
"""How long after its authentication Toss lets a payment be confirmed."""


class Order(State, frozen=True, kw_only=True):
    payment: Annotated[Payment | None, Key("order_id")]


def unknown_order(order_id: str) -> Decision:
    return refuse("unknown-payment", "No such payment", status=404, detail=f"No payment has the order {order_id!r}.")


def inspect_timer(order_id: str) -> str:
    return f"inspect:{order_id}"


def expire_timer(order_id: str) -> str:
    return f"expire:{order_id}"


def look_again(payment: Payment, now: datetime) -> Timer:
    """Asks Toss again in a minute; a refund that does not come through is asked after ever more rarely."""
    pause = now - payment.refunds[-1].asked_at if payment.refunds else LOOK_AGAIN
    due = now + min(max(pause, LOOK_AGAIN), LOOK_AGAIN_LATEST)
    return Timer(key=inspect_timer(payment.order_id), due=due, message=InspectPayment(order_id=payment.order_id))


def asked_lately(payment: Payment, now: datetime) -> bool:
    """Whether an answer may still be on its way: asking again at each glance would never end."""
    return payment.asked_at is not None and now - payment.asked_at < LOOK_AGAIN / 2


def by_policy(amount: int, policy: tuple[RefundStep, ...], at: datetime, starts_at: datetime) -> int:
    """What the policy pays back of `amount` for a seat given up `at`, in whole KRW rounded down."""
    left = starts_at - at
    for step in sorted(policy, key=lambda step: step.hours_before, reverse=True):
        if left >= timedelta(hours=step.hours_before):
            return amount * step.percent // 100
    return 0


def refunded(payment: Payment, amount: int, reason: str, now: datetime) -> tuple[Payment, ReturnPayment]:
    """The payment with one more refund of `amount`, and the order to pay it back."""
    refund = Refund(number=len(payment.refunds) + 1, amount=amount, reason=reason, asked_at=now)
    payment = replace(
        payment,
        refunds=(*payment.refunds, refund),
        refunded_amount=payment.refunded_amount + amount,
        refund_owed=False,
        asked_at=now,
    )
    return payment, returning(payment, refund)


def returning(payment: Payment, refund: Refund) -> ReturnPayment:
    return ReturnPayment(
        order_id=payment.order_id,
        number=refund.number,
        payment_key=payment.payment_key,
        amount=refund.amount,
        reason=refund.reason,
    )


def outstanding(payment: Payment) -> tuple[Refund, ...]:
    """The last refunds that make up what is owed and has not come back. Asking for one twice is harmless: its key stays
    the same."""
    owed = payment.refunded_amount - payment.returned_amount
    found: list[Refund] = []
    for refund in reversed(payment.refunds):
        if owed <= 0:
            break
        found.insert(0, refund)
        owed -= refund.amount
    return tuple(found)


def view_of(payment: Payment) -> PaymentView:
    known = asdict(payment)
    return PaymentView(**{field.name: known[field.name] for field in fields(PaymentView)})
