"""Gateways that are none: each tells what reached it, and fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from momo.gateway.heads import MOST_BYTES


class Backend:
    """Answers 200 with its name, echoes on WebSockets, and keeps what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.asked: list[web.BaseRequest] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if request.headers.get("Upgrade") == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(message.data)
            return socket
        await request.read()
        return web.json_response({"name": self.name})


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[Backend]:
    found = Backend(name)
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", found.handle)
    server = TestServer(app)
    await server.start_server(max_field_size=MOST_BYTES)
    try:
        found.port = server.port or 0
        yield found
    finally:
        await server.close()


class Dying:
    """Takes a request whole, and closes the connection instead of answering."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(65536):
            self.asked += 1
        writer.transport.abort()


@asynccontextmanager
async def dying() -> AsyncIterator[Dying]:
    found = Dying()
    async with await asyncio.start_server(found.handle, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found
