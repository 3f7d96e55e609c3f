"""What Toss answers, as the command that settles our record by it."""

from __future__ import annotations

from datetime import UTC

from contracts.payment import SettlePayment
from momo.actors import World
from momo.toss.client import TossNotFound
from momo.toss.model import Payment


def settlement(payment: Payment) -> SettlePayment:
    failure = payment.failure
    return SettlePayment(
        order_id=payment.order_id,
        status=payment.status,
        payment_key=payment.payment_key,
        total_amount=payment.total_amount,
        balance_amount=payment.balance_amount,
        approved_at=None if payment.approved_at is None else payment.approved_at.astimezone(UTC),
        code="" if failure is None else failure.code,
        message="" if failure is None else failure.message,
    )


async def look_up(order_id: str, world: World) -> SettlePayment:
    """How the order stands at Toss now; `NOT_FOUND` where Toss has never heard of it."""
    try:
        return settlement(await world.toss.find_order(order_id))
    except TossNotFound as error:
        return SettlePayment(order_id=order_id, status="NOT_FOUND", code=error.code, message=error.message)
