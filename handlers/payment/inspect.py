"""`payment.inspect.queue`: asks Toss how an order stands, after a webhook or when an answer never came."""

from __future__ import annotations

from contracts.payment import InspectPayment, SettlePayment
from handlers.payment.snapshot import look_up
from momo.actors import World
from momo.toss.client import TossUnavailable


async def run(command: InspectPayment, world: World) -> list[SettlePayment]:
    try:
        return [await look_up(command.order_id, world)]
    except TossUnavailable as error:
        # No timer is left behind this message: an outage longer than its attempts must not end the looking.
        unknown = SettlePayment(order_id=command.order_id, status="UNKNOWN", code=error.code, message=error.message)
        return [unknown]
