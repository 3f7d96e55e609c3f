"""Giving money back: every refund with its own key counts, and none counts twice."""

from __future__ import annotations

import pytest

from momo.toss import model
from momo.toss.client import TossClient, TossNotFound, TossRefused, TossSettled, TossUnavailable
from tests.toss.conftest import Controls


async def paid(toss: TossClient, controls: Controls) -> str:
    key = await controls.checkout("order-1", 15_000)
    await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm:order-1")
    return key


async def test_two_partial_refunds_with_their_own_keys_both_count(toss: TossClient, controls: Controls) -> None:
    key = await paid(toss, controls)
    await toss.cancel(key, "left early", 4_000, idempotency_key="refund:1")
    payment = await toss.cancel(key, "left early", 4_000, idempotency_key="refund:2")
    assert (payment.status, payment.balance_amount) == (model.PARTIAL_CANCELED, 7_000)
    assert [(c.cancel_amount, c.refundable_amount) for c in payment.cancels or ()] == [(4_000, 11_000), (4_000, 7_000)]
    assert (await controls.ledger())["returned"] == 8_000


async def test_two_partial_refunds_with_one_key_give_back_only_the_first(toss: TossClient, controls: Controls) -> None:
    key = await paid(toss, controls)
    first = await toss.cancel(key, "left early", 4_000, idempotency_key="refund")
    assert await toss.cancel(key, "left early", 5_000, idempotency_key="refund") == first
    assert (await controls.ledger())["returned"] == 4_000


async def test_a_refund_whose_answer_was_lost_is_found_by_the_same_key(toss: TossClient, controls: Controls) -> None:
    key = await paid(toss, controls)
    await controls.fault("order-1", hangUp=True)
    with pytest.raises(TossUnavailable):
        await toss.cancel(key, "left early", 4_000, idempotency_key="refund")
    assert (await toss.cancel(key, "left early", 4_000, idempotency_key="refund")).balance_amount == 11_000
    assert (await controls.ledger())["returned"] == 4_000


async def test_without_an_amount_the_rest_is_given_back_and_then_nothing_is_left(
    toss: TossClient, controls: Controls
) -> None:
    key = await paid(toss, controls)
    await toss.cancel(key, "left early", 4_000, idempotency_key="refund:1")
    payment = await toss.cancel(key, "host cancelled" * 50, None, idempotency_key="refund:2")
    assert (payment.status, payment.balance_amount, payment.returned_amount) == (model.CANCELED, 0, 15_000)
    with pytest.raises(TossSettled, match="ALREADY_CANCELED_PAYMENT"):
        await toss.cancel(key, "again", None, idempotency_key="refund:3")


async def test_more_than_the_balance_is_refused(toss: TossClient, controls: Controls) -> None:
    key = await paid(toss, controls)
    with pytest.raises(TossRefused, match="NOT_CANCELABLE_AMOUNT"):
        await toss.cancel(key, "greedy", 15_001, idempotency_key="refund")
    assert (await controls.ledger())["returned"] == 0


async def test_what_was_never_paid_cannot_be_cancelled(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    with pytest.raises(TossRefused, match="NOT_CANCELABLE_PAYMENT"):
        await toss.cancel(key, "too soon", None, idempotency_key="refund")
    with pytest.raises(TossNotFound):
        await toss.cancel("tgen_nothing", "nobody", None, idempotency_key="refund")


async def test_a_failing_refund_leaves_the_payment_done(toss: TossClient, controls: Controls) -> None:
    key = await paid(toss, controls)
    await controls.fault("order-1", failCode="REJECT_CARD_COMPANY")
    with pytest.raises(TossRefused):
        await toss.cancel(key, "left early", None, idempotency_key="refund")
    assert (await toss.find(key)).status == model.DONE
