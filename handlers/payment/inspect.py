"""`payment.inspect.queue`: asks Toss how an order stands, after a webhook or when an answer never came."""

from __future__ import annotations

from contracts.payment import InspectPayment, SettlePayment
from handlers.payment.snapshot import look_up
from momo.actors import World


async def run(command: InspectPayment, world: World) -> list[SettlePayment]:
    return [await look_up(command.order_id, world)]
