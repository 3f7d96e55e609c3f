"""Payments to test with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from contracts.payment import (
    DEFAULT_REFUND_POLICY,
    ConfirmPayment,
    RefundPayment,
    RegisterPayment,
    SettlePayment,
)
from handlers.payment import confirm, refund, register, settle
from handlers.payment.records import Payment
from momo.actors import Decision
from tests.handlers.harness import DAY, NOW, Service

ORDER = "momo-1001-2-1"
KEY = "tpk_1"


class Payments(Service):
    """A payment service with one payment of 10,000 KRW, for a meeting in a week."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.register(**changes)

    def register(self, **changes: Any) -> None:
        command = RegisterPayment(
            order_id=ORDER,
            meeting_id=1001,
            member_id=2,
            order_name="한강 러닝",
            amount=10_000,
            starts_at=NOW + 7 * DAY,
            expires_at=NOW + timedelta(minutes=10),
            refund_policy=DEFAULT_REFUND_POLICY,
        )
        self.handle(register.decide, replace(command, **changes))

    @property
    def payment(self) -> Payment:
        return self.get(Payment, ORDER)

    def confirm(self, **changes: Any) -> Decision:
        command = ConfirmPayment(member_id=2, order_id=ORDER, payment_key=KEY, amount=10_000)
        return self.handle(confirm.decide, replace(command, **changes))

    def settle(self, status: str, *, balance: int = 0, **changes: Any) -> Decision:
        """Toss's snapshot of the order; `balance` is what is left of the money."""
        total = 10_000 if status in ("DONE", "PARTIAL_CANCELED", "CANCELED") else 0
        if status == "DONE":
            balance = 10_000
        command = SettlePayment(
            order_id=ORDER, status=status, payment_key=KEY, total_amount=total, balance_amount=balance
        )
        return self.handle(settle.decide, replace(command, **changes))

    def refund(self, amount: str, reason: str = "seat given up", **changes: Any) -> Decision:
        command = RefundPayment(order_id=ORDER, amount="full", reason=reason, at=self.now)
        return self.handle(refund.decide, replace(command, amount=amount, **changes))


def completed(**changes: Any) -> Payments:
    service = Payments(**changes)
    service.confirm()
    service.settle("DONE")
    return service
