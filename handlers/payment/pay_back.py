"""`payment.return.queue`: asks Toss to give money back; each refund of an order has a key of its own."""

from __future__ import annotations

from contracts.payment import ReturnPayment, SettlePayment
from handlers.payment.snapshot import look_up, settlement
from momo.actors import World
from momo.toss.client import TossInProgress, TossNotFound, TossRefused, TossSettled


async def run(command: ReturnPayment, world: World) -> list[SettlePayment]:
    key = f"{command.order_id}:refund:{command.number}"
    try:
        payment = await world.toss.cancel(command.payment_key, command.reason, command.amount, idempotency_key=key)
    except TossInProgress:
        # A repeat of this message: the first settles it. Were its answer lost, the inspect timer would ask.
        return []
    except (TossRefused, TossSettled, TossNotFound):
        # It may have been given back before; what is still owed after this look is asked for again by the timer.
        return [await look_up(command.order_id, world)]
    return [settlement(payment)]
