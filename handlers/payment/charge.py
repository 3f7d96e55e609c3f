"""`payment.charge.queue`: asks Toss to take the money, under a key that never changes for the order."""

from __future__ import annotations

from contracts.payment import ChargePayment, SettlePayment
from handlers.payment.snapshot import look_up, settlement
from momo.actors import World
from momo.toss.client import TossError, TossInProgress, TossNotFound, TossRefused, TossSettled


async def run(command: ChargePayment, world: World) -> list[SettlePayment]:
    key = f"{command.order_id}:charge"
    try:
        payment = await world.toss.confirm(command.payment_key, command.order_id, command.amount, idempotency_key=key)
    except TossRefused as error:
        return [_refused(command, error)]
    except TossInProgress:
        # A repeat of this message: the first settles it. Were its answer lost, the inspect timer would ask.
        return []
    except TossSettled:
        return [await look_up(command.order_id, world)]
    except TossNotFound as error:
        found = await look_up(command.order_id, world)
        return [_refused(command, error) if found.status == "NOT_FOUND" else found]
    return [settlement(payment)]


def _refused(command: ChargePayment, error: TossError) -> SettlePayment:
    return SettlePayment(
        order_id=command.order_id,
        status="ABORTED",
        payment_key=command.payment_key,
        code=error.code,
        message=error.message,
    )
