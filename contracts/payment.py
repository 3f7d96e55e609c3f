"""What the payment service is asked, and what it announces. Money is whole KRW."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from contracts.base import Command, Event
from contracts.moment import Moment


class RefundStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Until `hours_before` hours before the start, `percent` of the fee is paid back."""

    hours_before: int
    percent: int


DEFAULT_REFUND_POLICY = (RefundStep(hours_before=24, percent=100), RefundStep(hours_before=6, percent=50))


class RegisterPayment(Command, frozen=True, kw_only=True):
    """Opens a payment for a held seat, to be made until `expires_at`.

    `order_id` is stable for (meeting, member, hold).
    """

    business_key: ClassVar = ("order_id",)
    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    amount: int
    starts_at: Moment
    expires_at: Moment
    refund_policy: tuple[RefundStep, ...]


class ConfirmPayment(Command, frozen=True, kw_only=True):
    """The member has authenticated the payment in the checkout window; `amount` must match the stored one."""

    member_id: int
    order_id: str
    payment_key: str
    amount: int


class ChargePayment(Command, frozen=True, kw_only=True):
    """Asks Toss to take the money; the provider's idempotency key is derived from the order and never changes."""

    business_key: ClassVar = ("order_id",)
    order_id: str
    payment_key: str
    amount: int


class InspectPayment(Command, frozen=True, kw_only=True):
    """Asks Toss how an order stands: after a webhook, and when a confirm's answer never came."""

    order_id: str


class SettlePayment(Command, frozen=True, kw_only=True):
    """What Toss says of an order, as it stands there: the only way that money is believed to have moved.

    `status` is Toss's own, or `NOT_FOUND`, or `UNKNOWN` where Toss could not be asked. `code` and `message` say why a
    charge was refused.
    """

    order_id: str
    status: str
    payment_key: str = ""
    total_amount: int = 0
    balance_amount: int = 0
    approved_at: Moment | None = None
    code: str = ""
    message: str = ""


class ExpirePayment(Command, frozen=True, kw_only=True):
    """The hold is gone: a payment that nobody has begun to confirm can no longer be made."""

    business_key: ClassVar = ("order_id",)
    order_id: str


class RefundPayment(Command, frozen=True, kw_only=True):
    """Pays back by the policy frozen at purchase, or all that is left. `at` is when the seat was given up.

    An order is refunded once for one `reason`: a repeat changes nothing.
    """

    business_key: ClassVar = ("order_id", "reason")
    order_id: str
    amount: Literal["policy", "full"]
    reason: str
    at: Moment


class ReturnPayment(Command, frozen=True, kw_only=True):
    """Asks Toss to give back `amount`; refund `number` of the order has an idempotency key of its own."""

    business_key: ClassVar = ("order_id", "number")
    order_id: str
    number: int
    payment_key: str
    amount: int
    reason: str


class PaymentCompleted(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("order_id",)
    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    amount: int
    approved_at: Moment


class PaymentFailed(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("order_id",)
    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    code: str
    reason: str


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """`amount` has just been paid back; `returned` is the sum so far, `remaining` what MOMO still holds."""

    business_key: ClassVar = ("order_id", "returned")
    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    amount: int
    returned: int
    remaining: int
    reason: str


class PaymentView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A payment as its owner sees it. Amounts are whole KRW: `refunded_amount` is asked of Toss, `returned_amount` is
    what Toss has given back."""

    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    amount: int
    status: str
    refunded_amount: int
    returned_amount: int
    expires_at: Moment
    approved_at: Moment | None
    failure_code: str
    failure_message: str
    created_at: Moment
