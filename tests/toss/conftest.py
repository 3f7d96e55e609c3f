"""A sandbox, a client and a webhook receiver, each on a free port of loopback."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from momo.toss.client import TossClient
from momo.toss.sandbox.server import SandboxServer

KEY = "test_sk_momo"


@asynccontextmanager
async def running(webhook_url: str | None = None, **webhooks: float) -> AsyncIterator[SandboxServer]:
    """A sandbox that answers."""
    server = SandboxServer("127.0.0.1", 0, KEY, webhook_url, **webhooks)
    serving = asyncio.create_task(server.run_until_told())
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    try:
        assert server.ready.is_set()
        yield server
    finally:
        server.should_exit = True
        await serving


class Controls:
    """The sandbox's control API, and raw requests where the client would be too polite."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        auth = {"Authorization": "Basic " + b64encode(f"{KEY}:".encode()).decode()}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, self.url + path, json=body, headers=auth | named) as answer:
            return answer.status, await answer.json() if answer.content_length else None

    async def checkout(self, order_id: str, amount: int = 15_000) -> str:
        status, answer = await self.call("POST", "/sandbox/checkout", {"orderId": order_id, "amount": amount})
        assert status == 200, answer
        return str(answer["paymentKey"])

    async def fault(self, order_id: str | None = None, **switches: Any) -> None:
        path = "/sandbox/faults" if order_id is None else f"/sandbox/faults/orders/{order_id}"
        status, answer = await self.call("PUT", path, switches)
        assert status == 200, answer

    async def ledger(self, prefix: str = "") -> Any:
        return (await self.call("GET", f"/sandbox/ledger?prefix={prefix}"))[1]


@asynccontextmanager
async def controlled(server: SandboxServer) -> AsyncIterator[Controls]:
    async with aiohttp.ClientSession() as http:
        yield Controls(http, server.url)


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxServer]:
    async with running() as server:
        yield server


@pytest.fixture
async def controls(sandbox: SandboxServer) -> AsyncIterator[Controls]:
    async with controlled(sandbox) as controls:
        yield controls


@pytest.fixture
async def toss(sandbox: SandboxServer) -> AsyncIterator[TossClient]:
    async with TossClient(sandbox.url, KEY, timeout=5.0) as client:
        yield client


class Receiver:
    """Where webhooks arrive. `statuses` is what the next ones are answered with; then 200."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.stall: asyncio.Event | None = None
        self.arrived: asyncio.Queue[tuple[dict[str, str], dict[str, Any]]] = asyncio.Queue()

    async def receive(self, request: web.Request) -> web.Response:
        self.arrived.put_nowait((dict(request.headers), await request.json()))
        if self.stall is not None:
            stall, self.stall = self.stall, None
            await stall.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        async with asyncio.timeout(5):
            return await self.arrived.get()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/webhooks", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    yield receiver
    await runner.cleanup()
