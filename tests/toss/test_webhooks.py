"""Webhooks really arrive over HTTP: announced, retried, copied and in disorder."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from momo.toss.client import TossClient, TossRefused
from momo.toss.sandbox import desk
from tests.toss.conftest import KEY, Receiver, controlled, running

HEADER = "tosspayments-webhook-transmission-"


async def test_every_change_of_status_is_announced_with_the_payment(receiver: Receiver) -> None:
    async with running(receiver.url) as server, controlled(server) as controls, TossClient(server.url, KEY) as toss:
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        headers, event = await receiver.next()
        assert (event["eventType"], event["data"]["status"]) == ("PAYMENT_STATUS_CHANGED", "DONE")
        assert event["createdAt"].endswith("+09:00")
        assert event["data"] == (await controls.call("GET", f"/v1/payments/{key}"))[1]
        assert headers[HEADER + "retried-count"] == "0"
        assert headers[HEADER + "id"]
        assert datetime.fromisoformat(headers[HEADER + "time"]).tzinfo is not None
        await toss.cancel(key, "left", 5_000, idempotency_key="refund:1")
        assert (await receiver.next())[1]["data"]["status"] == "PARTIAL_CANCELED"
        await toss.cancel(key, "left", None, idempotency_key="refund:2")
        assert (await receiver.next())[1]["data"]["status"] == "CANCELED"
        await controls.fault(failCode="INVALID_STOPPED_CARD")
        stopped = await controls.checkout("order-2")
        with pytest.raises(TossRefused):
            await toss.confirm(stopped, "order-2", 15_000, idempotency_key="confirm-2")
        event = (await receiver.next())[1]
        assert (event["data"]["status"], event["data"]["failure"]["code"]) == ("ABORTED", "INVALID_STOPPED_CARD")


async def test_a_webhook_is_sent_again_until_it_is_answered_with_200(receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 404]
    async with (
        running(receiver.url, webhook_minute=0.001) as server,
        controlled(server) as controls,
        TossClient(server.url, KEY) as toss,
    ):
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        tries = [(await receiver.next())[0] for _ in range(4)]
        assert [headers[HEADER + "retried-count"] for headers in tries] == ["0", "1", "2", "3"]
        assert len({headers[HEADER + "id"] for headers in tries}) == 1


async def test_after_seven_retries_a_webhook_is_given_up(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.statuses = [500] * 9
    async with (
        running(receiver.url, webhook_minute=0.0001) as server,
        controlled(server) as controls,
        TossClient(server.url, KEY) as toss,
    ):
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        for _ in range(8):
            await receiver.next()
        while (await controls.call("GET", "/sandbox/health"))[1]["webhooksPending"]:
            pass
    assert receiver.arrived.empty()
    assert "given up after 7 retries" in caplog.text


async def test_a_receiver_that_takes_too_long_is_asked_again(receiver: Receiver) -> None:
    receiver.stall = stall = asyncio.Event()
    async with (
        running(receiver.url, webhook_minute=0.001, webhook_patience=0.1) as server,
        controlled(server) as controls,
        TossClient(server.url, KEY) as toss,
    ):
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        assert [(await receiver.next())[0][HEADER + "retried-count"] for _ in range(2)] == ["0", "1"]
        stall.set()


async def test_copies_arrive_as_one_transmission_sent_twice(receiver: Receiver) -> None:
    async with running(receiver.url) as server, controlled(server) as controls, TossClient(server.url, KEY) as toss:
        await controls.fault("order-1", webhookCopies=2)
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        first, second = await receiver.next(), await receiver.next()
        assert first[1] == second[1]
        assert first[0][HEADER + "id"] == second[0][HEADER + "id"]


async def test_shuffled_webhooks_arrive_newest_first(receiver: Receiver) -> None:
    async with running(receiver.url) as server, controlled(server) as controls, TossClient(server.url, KEY) as toss:
        await controls.fault(webhookShuffle=True, webhookCopies=2, webhookDelayMs=500)
        key = await controls.checkout("order-1")
        await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
        await toss.cancel(key, "left", None, idempotency_key="refund")
        statuses = [(await receiver.next())[1]["data"]["status"] for _ in range(4)]
        assert statuses == ["CANCELED", "CANCELED", "DONE", "DONE"]


async def test_a_payment_that_nobody_confirms_expires_by_itself(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "SESSION", timedelta(milliseconds=20))
    async with running(receiver.url) as server, controlled(server) as controls:
        key = await controls.checkout("order-1")
        event = (await receiver.next())[1]
        assert (event["data"]["paymentKey"], event["data"]["status"]) == (key, "EXPIRED")


async def test_stopping_gives_up_what_waits_for_its_next_try(receiver: Receiver) -> None:
    receiver.statuses = [500]
    async with asyncio.timeout(5):
        async with running(receiver.url) as server, controlled(server) as controls, TossClient(server.url, KEY) as toss:
            key = await controls.checkout("order-1")
            await toss.confirm(key, "order-1", 15_000, idempotency_key="confirm")
            await receiver.next()
    assert receiver.arrived.empty()
