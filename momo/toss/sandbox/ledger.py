"""The sandbox's books: who authenticated, what was taken, what was returned. Pure: the time is a parameter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import msgspec

from momo.toss import model
from momo.toss.model import Cancel, Failure, Payment

KST = timezone(timedelta(hours=9))
SESSION = timedelta(minutes=10)
"""How long after authentication a payment may be confirmed."""
TAKEN = frozenset({model.DONE, model.PARTIAL_CANCELED, model.CANCELED})
"""The statuses of a payment whose money was taken at some time."""


class Refusal(Exception):
    """What was asked is refused with an error code of Toss."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Entry(msgspec.Struct, frozen=True):
    """One movement of money, in KRW: positive when taken, negative when returned."""

    order_id: str
    amount: int


class Statement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`taken` and `returned` are summed from the journal, in KRW; the payments are as they stand."""

    taken: int
    returned: int
    payments: list[Payment]


class Ledger:
    """Payments by key, and a journal of every movement. `changed` hears of each payment whose status is announced."""

    def __init__(self, changed: Callable[[Payment], None] = lambda _: None) -> None:
        self._payments: dict[str, Payment] = {}
        self._keys: dict[str, list[str]] = {}
        self._journal: list[Entry] = []
        self._changed = changed

    def checkout(self, order_id: str, amount: int, order_name: str, now: datetime) -> Payment:
        """The buyer authenticates in the checkout window: a payment IN_PROGRESS, which takes nothing yet."""
        if not model.ORDER_ID.fullmatch(order_id):
            raise Refusal("INVALID_REQUEST", f"orderId {order_id!r}: 6 to 64 characters of A-Z a-z 0-9 - _")
        if amount <= 0:
            raise Refusal("BELOW_MINIMUM_AMOUNT", f"amount {amount} is not positive")
        if self._taken(order_id):
            raise Refusal("ALREADY_PROCESSED_PAYMENT", f"order {order_id} is paid")
        key = f"tgen_{now:%Y%m%d%H%M%S}{len(self._payments):06d}"
        self._payments[key] = payment = Payment(
            payment_key=key,
            order_id=order_id,
            order_name=order_name,
            m_id="momo_sandbox",
            method="카드",
            status=model.IN_PROGRESS,
            total_amount=amount,
            balance_amount=0,
            requested_at=now,
            card={"issuerCode": "61", "number": "12345678****000*", "installmentPlanMonths": 0},
        )
        self._keys.setdefault(order_id, []).append(key)
        return payment

    def confirm(self, payment_key: str, order_id: str, amount: int, now: datetime) -> Payment:
        """Takes the money, once an order."""
        payment = self._payments.get(payment_key)
        if payment is None:
            raise Refusal("NOT_FOUND_PAYMENT_SESSION", f"no payment {payment_key} is being made")
        if payment.order_id != order_id:
            raise Refusal("INVALID_REQUEST", f"{payment_key} was authenticated for order {payment.order_id}")
        if payment.failure is not None:
            raise Refusal(payment.failure.code, payment.failure.message)
        if self._taken(order_id):
            raise Refusal("ALREADY_PROCESSED_PAYMENT", f"order {order_id} is paid")
        if payment.requested_at is not None and now > payment.requested_at + SESSION:
            self.expire(payment_key)
        if self._payments[payment_key].status == model.EXPIRED:
            raise Refusal("NOT_FOUND_PAYMENT_SESSION", f"{payment_key} has expired")
        if payment.total_amount != amount:
            raise Refusal("INVALID_REQUEST", f"{payment.total_amount} was authenticated, not {amount}")
        self._journal.append(Entry(order_id, amount))
        return self._moved(payment, status=model.DONE, balance_amount=amount, approved_at=now)

    def cancel(self, payment_key: str, reason: str, amount: int | None, now: datetime) -> Payment:
        """Returns `amount`, or the rest."""
        payment = self.find(payment_key)
        if payment.status == model.CANCELED:
            raise Refusal("ALREADY_CANCELED_PAYMENT", f"{payment_key} is cancelled in full")
        if payment.status not in TAKEN:
            raise Refusal("NOT_CANCELABLE_PAYMENT", f"{payment_key} is {payment.status}")
        returned = payment.balance_amount if amount is None else amount
        if returned <= 0 or not 1 <= len(reason) <= model.REASON_LIMIT:
            raise Refusal("INVALID_REQUEST", "cancelAmount must be positive, cancelReason 1 to 200 characters")
        if returned > payment.balance_amount:
            raise Refusal("NOT_CANCELABLE_AMOUNT", f"{returned} asked, {payment.balance_amount} left")
        self._journal.append(Entry(payment.order_id, -returned))
        rest = payment.balance_amount - returned
        cancel = Cancel(
            cancel_amount=returned,
            cancel_reason=reason,
            canceled_at=now,
            transaction_key=self._transaction(),
            refundable_amount=rest,
        )
        return self._moved(
            payment,
            status=model.PARTIAL_CANCELED if rest else model.CANCELED,
            balance_amount=rest,
            cancels=[*(payment.cancels or []), cancel],
        )

    def abort(self, payment_key: str, code: str, message: str) -> None:
        """The card was rejected: the payment can't be confirmed any more. No change unless it is IN_PROGRESS."""
        payment = self._payments.get(payment_key)
        if payment is not None and payment.status == model.IN_PROGRESS:
            self._moved(payment, status=model.ABORTED, failure=Failure(code=code, message=message))

    def expire(self, payment_key: str) -> None:
        """Nobody confirmed in time. No change unless the payment is IN_PROGRESS."""
        payment = self._payments[payment_key]
        if payment.status == model.IN_PROGRESS:
            self._moved(payment, status=model.EXPIRED)

    def find(self, payment_key: str) -> Payment:
        payment = self._payments.get(payment_key)
        if payment is None:
            raise Refusal("NOT_FOUND_PAYMENT", f"no payment {payment_key}")
        return payment

    def find_order(self, order_id: str) -> Payment:
        """The order's paid payment, or else the one authenticated last."""
        if order_id not in self._keys:
            raise Refusal("NOT_FOUND_PAYMENT", f"no payment of order {order_id}")
        return self._taken(order_id) or self._payments[self._keys[order_id][-1]]

    def statement(self, prefix: str = "") -> Statement:
        """The books of the orders whose id starts with `prefix`."""
        moved = [entry.amount for entry in self._journal if entry.order_id.startswith(prefix)]
        return Statement(
            taken=sum(amount for amount in moved if amount > 0),
            returned=-sum(amount for amount in moved if amount < 0),
            payments=[payment for payment in self._payments.values() if payment.order_id.startswith(prefix)],
        )

    def _taken(self, order_id: str) -> Payment | None:
        payments = (self._payments[key] for key in self._keys.get(order_id, ()))
        return next((payment for payment in payments if payment.status in TAKEN), None)

    def _moved(self, payment: Payment, **changes: object) -> Payment:
        payment = msgspec.structs.replace(payment, last_transaction_key=self._transaction(), **changes)
        self._payments[payment.payment_key] = payment
        self._changed(payment)
        return payment

    def _transaction(self) -> str:
        return f"txrd_{len(self._journal):09d}"
