"""Toss's wire objects, read leniently, and what each of its error codes lets a caller conclude."""

from __future__ import annotations

import enum
import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

READY = "READY"
IN_PROGRESS = "IN_PROGRESS"
WAITING_FOR_DEPOSIT = "WAITING_FOR_DEPOSIT"
DONE = "DONE"
CANCELED = "CANCELED"
PARTIAL_CANCELED = "PARTIAL_CANCELED"
ABORTED = "ABORTED"
EXPIRED = "EXPIRED"

ORDER_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")
"""What an orderId must match in full."""
PAYMENT_KEY = re.compile(r"[!-.0-~]{1,200}")
"""What a paymentKey must match in full: it comes from a browser and goes into a URL, so no slash."""
IDEMPOTENCY_KEY_LIMIT = 300
REASON_LIMIT = 200


class Cancel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One cancel of a payment. Amounts are whole KRW; `refundable_amount` is what could be cancelled after it."""

    cancel_amount: int
    transaction_key: str | None = None
    cancel_reason: str | None = None
    canceled_at: datetime | None = None
    refundable_amount: int | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a payment was aborted, or why a request was refused."""

    code: str
    message: str = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A payment as it stands at Toss. Amounts are whole KRW; `balance_amount` is what can still be cancelled."""

    payment_key: str
    order_id: str
    status: str
    total_amount: int
    balance_amount: int
    order_name: str | None = None
    m_id: str | None = None
    method: str | None = None
    requested_at: datetime | None = None
    approved_at: datetime | None = None
    last_transaction_key: str | None = None
    is_partial_cancelable: bool = True
    card: dict[str, Any] | None = None
    cancels: list[Cancel] | None = None
    failure: Failure | None = None

    @property
    def returned_amount(self) -> int:
        """KRW given back so far: the sum of the cancels."""
        return sum(cancel.cancel_amount for cancel in self.cancels or ())


class StatusChanged(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The webhook that follows a change of a payment's status. It is unsigned: ask for the payment before believing."""

    event_type: str = "PAYMENT_STATUS_CHANGED"
    created_at: datetime
    data: Payment


class FailureV2(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The second version of an error's body."""

    error: Failure
    version: str | None = None
    trace_id: str | None = None


class Verdict(enum.Enum):
    """What an error lets the caller conclude."""

    FINAL = "final"
    """Refused for good: the same request can't succeed, and it moved no money."""
    RETRYABLE = "retryable"
    """Nothing can be concluded; ask again later with the same idempotency key."""
    SETTLED = "settled"
    """The state asked for was reached before, perhaps by another request: ask for the payment."""
    IN_PROGRESS = "in progress"
    """The same request is under way on another connection, which will get the answer."""
    NOT_FOUND = "not found"
    UNKNOWN = "unknown"
    """A code we don't know, or a fault of our own configuration: nothing can be concluded about the order."""


FINAL_CODES = frozenset(
    {
        "INVALID_REQUEST",
        "INVALID_REJECT_CARD",
        "BELOW_MINIMUM_AMOUNT",
        "INVALID_CARD_EXPIRATION",
        "INVALID_STOPPED_CARD",
        "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
        "REJECT_CARD_PAYMENT",
        "REJECT_CARD_COMPANY",
        "NOT_CANCELABLE_PAYMENT",
        "NOT_CANCELABLE_AMOUNT",
    }
)
RETRYABLE_CODES = frozenset({"PROVIDER_ERROR", "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING"})
IN_PROGRESS_CODE = "IDEMPOTENT_REQUEST_PROCESSING"
SETTLED_CODES = frozenset({"ALREADY_PROCESSED_PAYMENT", "ALREADY_CANCELED_PAYMENT"})
NOT_FOUND_CODES = frozenset({"NOT_FOUND_PAYMENT", "NOT_FOUND_PAYMENT_SESSION"})


def is_outage(status: int) -> bool:
    """Whether an HTTP status says that Toss itself, not this one order, is in trouble."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def verdict(status: int, code: str) -> Verdict:
    """What `code`, answered with HTTP `status`, lets the caller conclude. A status of trouble outweighs any code."""
    if is_outage(status) or code in RETRYABLE_CODES:
        return Verdict.RETRYABLE
    if code == IN_PROGRESS_CODE:
        return Verdict.IN_PROGRESS
    if code in SETTLED_CODES:
        return Verdict.SETTLED
    if code in NOT_FOUND_CODES:
        return Verdict.NOT_FOUND
    return Verdict.FINAL if code in FINAL_CODES else Verdict.UNKNOWN


def failure(body: bytes) -> Failure:
    """The error in `body`, of either version; the code is `UNREADABLE_ANSWER` where there is none to be read."""
    for read in (_v1.decode, lambda content: _v2.decode(content).error):
        try:
            return read(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return Failure(code="UNREADABLE_ANSWER", message=repr(body[:200]))


_v1 = msgspec.json.Decoder(Failure)
_v2 = msgspec.json.Decoder(FailureV2)
