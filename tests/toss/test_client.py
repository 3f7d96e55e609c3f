"""The client's own rules: what it refuses to send, how it reads errors, and when it stops asking."""

from __future__ import annotations

import msgspec
import pytest

from momo.breaker import BreakerOpen
from momo.toss import model
from momo.toss.client import TossClient, TossUnavailable
from momo.toss.model import Verdict
from tests.toss.conftest import KEY, Controls

# As the public reference prints it, shortened; a field of tomorrow is added.
DOCUMENTED = b"""{"mId":"tosspayments","lastTransactionKey":"9C62B18EEF0DE3EB7F4422EB6D14BC6E",
"paymentKey":"5EnNZRJGvaBX7zk2",
"orderId":"MC4wODU4ODQwMzg4NDk0","orderName":"seat",
"taxExemptionAmount":0,"status":"PARTIAL_CANCELED","requestedAt":"2024-02-13T12:17:57+09:00",
"approvedAt":"2024-02-13T12:18:14+09:00","useEscrow":false,"card":{"issuerCode":"71","number":"12345678****000*","isInterestFree":false},
"virtualAccount":null,"failure":null,"cancels":[{"transactionKey":"090A796806E726BBB929F4A2CA7DB9A7","cancelReason":"x","taxFreeAmount":0,
"canceledAt":"2024-02-13T12:20:23+09:00","cancelAmount":400,"refundableAmount":600}],"method":"\xec\xb9\xb4\xeb\x93\x9c",
"totalAmount":1000,"balanceAmount":600,"isPartialCancelable":true,"tomorrow":{"a":[1]}}"""


def test_the_documented_payment_is_read_and_unknown_fields_are_ignored() -> None:
    payment = msgspec.json.decode(DOCUMENTED, type=model.Payment)
    assert (payment.m_id, payment.method, payment.total_amount, payment.balance_amount) == (
        "tosspayments", "카드", 1000, 600,
    )  # fmt: skip
    assert payment.cancels is not None
    assert payment.cancels[0].cancel_amount == payment.returned_amount == 400
    assert str(payment.approved_at) == "2024-02-13 12:18:14+09:00"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "INVALID_REJECT_CARD", Verdict.FINAL),
        (403, "REJECT_CARD_PAYMENT", Verdict.FINAL),
        (400, "PROVIDER_ERROR", Verdict.RETRYABLE),
        (409, "IDEMPOTENT_REQUEST_PROCESSING", Verdict.IN_PROGRESS),
        (429, "WHATEVER", Verdict.RETRYABLE),
        (500, "INVALID_REJECT_CARD", Verdict.RETRYABLE),
        (400, "ALREADY_PROCESSED_PAYMENT", Verdict.SETTLED),
        (400, "ALREADY_CANCELED_PAYMENT", Verdict.SETTLED),
        (404, "NOT_FOUND_PAYMENT", Verdict.NOT_FOUND),
        (404, "PAGE_NOT_FOUND", Verdict.UNKNOWN),
        (401, "UNAUTHORIZED_KEY", Verdict.UNKNOWN),
    ],
)
def test_a_code_lets_the_caller_conclude_only_what_it_says(status: int, code: str, expected: Verdict) -> None:
    assert model.verdict(status, code) is expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":"PROVIDER_ERROR","message":"x","data":null}', "PROVIDER_ERROR"),
        (b'{"version":"2022-11-16","traceId":"a","error":{"code":"PROVIDER_ERROR","message":"x"}}', "PROVIDER_ERROR"),
        (b"<html>502 Bad Gateway</html>", "UNREADABLE_ANSWER"),
        (b'{"code":5}', "UNREADABLE_ANSWER"),
        (b'{"code":"\xff"}', "UNREADABLE_ANSWER"),
        (b"", "UNREADABLE_ANSWER"),
    ],
)
def test_errors_of_both_versions_and_of_none_are_read(body: bytes, code: str) -> None:
    assert model.failure(body).code == code


async def test_what_toss_could_not_accept_is_not_sent(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    for payment_key, order_id, idempotency_key in (
        (key, "order-1", "k" * 301),
        (key, "order-1", ""),
        (key, "order-1", "a\r\nX-Evil: 1"),
        (key, "short", "k"),
        (key, "order/../1", "k"),
        (key, "order-1\n", "k"),
        ("..", "order-1", "k"),
        ("orders/order-1", "order-1", "k"),
        ("", "order-1", "k"),
        ("k" * 201, "order-1", "k"),
    ):
        with pytest.raises(ValueError, match="expected"):
            await toss.confirm(payment_key, order_id, 15_000, idempotency_key=idempotency_key)
    assert (await toss.confirm(key, "order-1", 15_000, idempotency_key="k" * 300)).status == model.DONE


async def test_a_wrong_secret_key_says_nothing_about_the_order(controls: Controls) -> None:
    async with TossClient(controls.url, "test_sk_wrong") as stranger:
        with pytest.raises(TossUnavailable, match="UNAUTHORIZED_KEY"):
            await stranger.find_order("order-1")


async def test_after_five_outages_in_a_row_toss_is_left_alone(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    await controls.fault(failCode="FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", failCount=5)
    for _ in range(4):
        with pytest.raises(TossUnavailable, match="INTERNAL_SYSTEM"):
            await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
    for called in (True, False):
        with pytest.raises(BreakerOpen) as error:
            await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
        assert error.value.called == called
    assert (await controls.ledger())["taken"] == 0


async def test_trouble_of_single_orders_does_not_open_the_circuit(toss: TossClient, controls: Controls) -> None:
    key = await controls.checkout("order-1")
    await controls.fault(failCode="PROVIDER_ERROR", failCount=6)
    for _ in range(6):
        with pytest.raises(TossUnavailable, match="PROVIDER_ERROR"):
            await toss.confirm(key, "order-1", 15_000, idempotency_key="same")
    assert (await toss.confirm(key, "order-1", 15_000, idempotency_key="same")).status == model.DONE


async def test_nobody_listening_concludes_nothing(unused_tcp_port: int) -> None:
    async with TossClient(f"http://127.0.0.1:{unused_tcp_port}", KEY) as toss:
        with pytest.raises(TossUnavailable, match="NO_ANSWER"):
            await toss.find_order("order-1")
