"""The reads of the payment service: a payment by its order, and a member's payments."""

from __future__ import annotations

from datetime import datetime

from contracts.payment import PaymentView
from momo.queries.database import Database
from momo.queries.pages import Page, checked, key_in, page
from momo.queries.reading import Reader

_PAYMENT = Reader(PaymentView)


async def payment(db: Database, order_id: str) -> PaymentView | None:
    """The payment of an order, whoever's it is: `member_id` says whose. None where there is none."""
    rows = await db.rows(f"SELECT {_PAYMENT.columns} FROM payments WHERE order_id = %s", order_id)
    return _PAYMENT.read(rows[0]) if rows else None


async def payments(db: Database, member_id: int, *, cursor: str | None = None, limit: int = 20) -> Page[PaymentView]:
    """A member's payments, the latest first. Raises ValueError for a malformed cursor or limit."""
    after, args = "", [member_id]
    if cursor is not None:
        at, last = key_in(cursor, datetime, str)
        after = "AND (created_at < %s OR (created_at = %s AND order_id < %s))"
        args += [at, at, last]
    rows = await db.rows(
        f"SELECT {_PAYMENT.columns} FROM payments WHERE member_id = %s {after}"
        " ORDER BY created_at DESC, order_id DESC LIMIT %s",
        *args,
        checked(limit) + 1,
    )
    return page([_PAYMENT.read(row) for row in rows], limit, lambda found: (found.created_at, found.order_id))
