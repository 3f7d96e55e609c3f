"""The payment service's actor: one payment an order."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from contracts.payment import RefundStep
from momo.actors import Record


class Refund(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One refund asked of Toss, numbered from 1 in its order."""

    number: int
    amount: int
    reason: str
    asked_at: datetime


class Payment(Record, frozen=True, kw_only=True):
    """`status`: PENDING, CONFIRMING, COMPLETED, PARTIALLY_REFUNDED, REFUNDED, FAILED or EXPIRED. Money is whole KRW.

    `refunded_amount` is what was asked of Toss (`refunds`, and what somebody cancelled in its console),
    `returned_amount` what Toss has given back: returned ≤ refunded ≤ amount. `refund_owed`: all of it goes back as soon
    as the charge is known to have happened. `asked_at` is when Toss was last asked for something that moves money.
    """

    table: ClassVar = "payments"
    key: ClassVar = ("order_id",)
    order_id: str
    meeting_id: int
    member_id: int
    order_name: str
    amount: int
    status: str = "PENDING"
    payment_key: str = ""
    starts_at: datetime
    expires_at: datetime
    refund_policy: tuple[RefundStep, ...]
    refunded_amount: int = 0
    returned_amount: int = 0
    refunds: tuple[Refund, ...] = ()
    refund_owed: bool = False
    confirm_started_at: datetime | None = None
    asked_at: datetime | None = None
    approved_at: datetime | None = None
    failure_code: str = ""
    failure_message: str = ""
    created_at: datetime
