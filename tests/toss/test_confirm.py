"""Taking money: once an order, whatever happens to the answers."""

from __future__ import annotations

import asyncio

import pytest

from momo.toss import model
from momo.toss.client import TossClient, TossInProgress, TossNotFound, TossRefused, TossSettled, TossUnavailable
from tests.toss.conftest import Controls


async def test_a_confirmed_payment_is_done_and_its_money_is_taken(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1", 15_000)
    payment = await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm:order-1")
    assert (payment.status, payment.total_amount, payment.balance_amount) == (model.DONE, 15_000, 15_000)
    assert payment.approved_at is not None
    assert str(payment.approved_at).endswith("+09:00")
    assert await toss.find(key) == await toss.find_order("order-1") == payment
    assert (await controls.ledger())["taken"] == 15_000


async def test_the_same_key_twice_takes_the_money_once(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    first = await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
    assert await toss.confirm(key, "order-1", 15_000, idempotency_key="same") == first
    assert (await controls.ledger())["taken"] == 15_000


async def test_a_hang_up_after_the_money_was_taken_concludes_nothing_and_the_same_key_learns_the_truth(
    toss: TossClient, controls: Controls
) -> None:
    key = await controls.checkout("order-1")
    await controls.fault("order-1", hangUp=True)
    with pytest.raises(TossUnavailable, match="NO_ANSWER"):
        await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
    assert (await toss.find_order("order-1")).status == model.DONE
    assert (await toss.confirm(key, "order-1", 15_000, idempotency_key="same")).status == model.DONE
    assert (await controls.ledger())["taken"] == 15_000


async def test_a_changed_key_after_a_hang_up_is_told_that_the_payment_was_processed(
    toss: TossClient, controls: Controls
) -> None:
    key = await controls.checkout("order-1")
    await controls.fault("order-1", hangUp=True)
    with pytest.raises(TossUnavailable):
        await toss.confirm(key, "order-1", 15_000, idempotency_key="first")
    await controls.call("DELETE", "/sandbox/faults")
    with pytest.raises(TossSettled) as error:
        await toss.confirm(key, "order-1", 15_000, idempotency_key="second")
    assert error.value.code == "ALREADY_PROCESSED_PAYMENT"
    assert (await controls.ledger())["taken"] == 15_000


async def test_an_answer_later_than_the_time_out_concludes_nothing(controls: Controls) -> None:
    key = await controls.checkout("order-1")
    await controls.fault("order-1", delayMs=500)
    async with TossClient(controls.url, "test_sk_momo", timeout=0.1) as hurried:
        with pytest.raises(TossUnavailable):
            await hurried.confirm(key, "order-1", 15_000, idempotency_key="same")
    assert (await controls.ledger())["taken"] == 15_000


async def test_of_two_concurrent_requests_with_one_key_the_second_is_told_to_wait(
    toss: TossClient, controls: Controls
) -> None:
    key = await controls.checkout("order-1")
    await controls.fault("order-1", delayMs=300)
    answers = await asyncio.gather(
        *(toss.confirm(key, "order-1", 15_000, idempotency_key="same") for _ in range(2)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, TossInProgress)]
    assert [error.code for error in refused] == ["IDEMPOTENT_REQUEST_PROCESSING"]
    assert (await controls.ledger())["taken"] == 15_000


async def test_a_key_reused_for_another_order_is_noticed(toss: TossClient, controls: Controls) -> None:
    first, second = await controls.checkout("order-1"), await controls.checkout("order-2")
    await toss.confirm(first, "order-1", 15_000, idempotency_key="same")
    with pytest.raises(TossUnavailable, match="ANSWER_MISMATCH"):
        await toss.confirm(second, "order-2", 15_000, idempotency_key="same")
    assert (await toss.find_order("order-2")).status == model.IN_PROGRESS


async def test_another_amount_than_the_authenticated_one_is_refused(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1", 15_000)
    with pytest.raises(TossRefused) as error:
        await toss.confirm(key, "order-1", 10, idempotency_key="confirm:order-1")
    assert error.value.code == "INVALID_REQUEST"
    assert (await controls.ledger())["taken"] == 0


async def test_an_unknown_payment_is_not_found(toss: TossClient) -> None:
    with pytest.raises(TossNotFound, match="NOT_FOUND_PAYMENT_SESSION"):
        await toss.confirm("tgen_nothing", "order-1", 10, idempotency_key="x")
    for key in ("tgen_nothing", "?a=b#c", "%2e%2e"):
        with pytest.raises(TossNotFound):
            await toss.find(key)
    with pytest.raises(TossNotFound):
        await toss.find_order("order-1")


async def test_a_rejected_card_is_final_and_aborts_the_payment(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    await controls.fault("order-1", failCode="INVALID_REJECT_CARD", failCount=1)
    for idempotency_key in ("same", "same", "other"):
        with pytest.raises(TossRefused) as error:
            await toss.confirm(key, "order-1", 15_000, idempotency_key=idempotency_key)
        assert error.value.code == "INVALID_REJECT_CARD"
    payment = await toss.find(key)
    assert (payment.status, payment.failure and payment.failure.code) == (model.ABORTED, "INVALID_REJECT_CARD")


@pytest.mark.parametrize("code", ["PROVIDER_ERROR", "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "UNHEARD_OF"])
async def test_a_passing_error_takes_nothing_and_a_new_try_succeeds(
    toss: TossClient, controls: Controls, code: str
) -> None:
    key = await controls.checkout("order-1")
    await controls.fault(failCode=code, failCount=1)
    with pytest.raises(TossUnavailable) as error:
        await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
    assert error.value.code == code
    if code != "UNHEARD_OF":
        assert (await toss.confirm(key, "order-1", 15_000, idempotency_key="same")).status == model.DONE


async def test_the_faults_of_one_order_win_over_the_general_ones(toss: TossClient, controls: Controls) -> None:
    key, spared = await controls.checkout("order-1"), await controls.checkout("order-2")
    await controls.fault(failCode="PROVIDER_ERROR")
    await controls.fault("order-2", delayMs=1)
    with pytest.raises(TossUnavailable):
        await toss.confirm(key, "order-1", 15_000, idempotency_key="one")
    assert (await toss.confirm(spared, "order-2", 15_000, idempotency_key="two")).status == model.DONE
