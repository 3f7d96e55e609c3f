"""The sandbox's own manners: what it answers to requests that a polite client would not send, and its process."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import aiohttp
import pytest

from tests.toss.conftest import KEY, Controls

CONFIRM = "/v1/payments/confirm"


async def test_an_idempotency_key_of_more_than_300_characters_is_refused(controls: Controls) -> None:
    body = {"paymentKey": await controls.checkout("order-1"), "orderId": "order-1", "amount": 15_000}
    status, answer = await controls.call("POST", CONFIRM, body, Idempotency_Key="k" * 301)
    assert (status, answer["code"]) == (400, "INVALID_IDEMPOTENCY_KEY")
    assert (await controls.ledger())["taken"] == 0


async def test_a_test_code_forces_its_error(controls: Controls) -> None:
    body = {"paymentKey": await controls.checkout("order-1"), "orderId": "order-1", "amount": 15_000}
    status, answer = await controls.call("POST", CONFIRM, body, TossPayments_Test_Code="REJECT_CARD_PAYMENT")
    assert (status, answer["code"]) == (403, "REJECT_CARD_PAYMENT")
    assert (await controls.call("POST", CONFIRM, body))[0] == 200


async def test_without_the_secret_key_nothing_is_answered(controls: Controls) -> None:
    for path in ("/v1/payments/orders/order-1", "/v1/payments/x"):
        status, answer = await controls.call("GET", path, Authorization="Basic bm9ib2R5Og==")
        assert (status, answer["code"]) == (401, "UNAUTHORIZED_KEY")


@pytest.mark.parametrize("body", [None, [], {}, {"paymentKey": "x", "orderId": "order-1", "amount": "much"}])
async def test_a_malformed_request_is_an_invalid_request(controls: Controls, body: object) -> None:
    status, answer = await controls.call("POST", CONFIRM, body)
    assert (status, answer["code"]) == (400, "INVALID_REQUEST")


async def test_an_unknown_route_and_an_unknown_switch_are_refused(controls: Controls) -> None:
    assert (await controls.call("GET", "/v2/payments"))[0] == 404
    status, answer = await controls.call("PUT", "/sandbox/faults", {"hangsUp": True})
    assert (status, answer["code"]) == (400, "INVALID_REQUEST")


async def test_the_ledger_can_be_read_for_the_orders_of_one_prefix(controls: Controls) -> None:
    for order_id in ("demo-01", "demo-02", "else-01"):
        body = {"paymentKey": await controls.checkout(order_id, 100), "orderId": order_id, "amount": 100}
        assert (await controls.call("POST", CONFIRM, body))[0] == 200
    books = await controls.ledger("demo-")
    assert (books["taken"], books["returned"], len(books["payments"])) == (200, 0, 2)
    assert {payment["status"] for payment in books["payments"]} == {"DONE"}
    assert (await controls.ledger())["taken"] == 300


async def test_its_process_says_its_address_serves_and_ends_with_0_on_sigterm() -> None:
    program = f"from momo.toss.sandbox import run; run('127.0.0.1', 0, {KEY!r}, None)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with aiohttp.ClientSession() as http, http.get(f"{url}/sandbox/health") as answer:
        assert await answer.json() == {"status": "up", "webhooksPending": 0}
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_a_taken_port_is_an_error_of_the_operating_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = (
            f"from momo.toss.sandbox import run\ntry: run('127.0.0.1', {port}, {KEY!r}, None)\n"
            "except OSError: print('taken')"
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
    assert output == b"taken\n"
