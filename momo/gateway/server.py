"""Serving the gateway with uvicorn on the running loop, until a signal; what is under way is finished first."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import msgspec
import uvicorn

from momo.gateway.app import EVERYTHING, build
from momo.gateway.heads import BoundedHttp
from momo.settings import Settings

BACKLOG = 2048
PING_SECONDS = 20.0
"""How often an open socket is pinged, and how long its pong may take."""

IDLE_SECONDS = 75
"""How long a connection may be idle: longer than balancers keep theirs (60 s), lest they send into one that closes."""


class Server(uvicorn.Server):
    """Tells when it accepts connections, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening address; port 0 takes a free one. Raises OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def running(settings: Settings, services: Sequence[str] = EVERYTHING) -> AsyncIterator[int]:
    """The gateway, accepting connections on the port that is yielded. On leaving, readiness is false at once, but new
    requests are answered for `drain_seconds` more; then waits end, sockets are closed, and what is under way is
    finished within the grace period. Raises OSError where the port is taken."""
    listener = bind(settings.host, settings.port)
    port = int(listener.getsockname()[1])
    app = build(msgspec.structs.replace(settings, port=port), services)
    drain = min(settings.drain_seconds, settings.grace_seconds / 2)
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="websockets-sansio",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        server_header=False,
        ws_max_size=4096,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        timeout_graceful_shutdown=max(1, int(settings.grace_seconds - drain)),
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="gateway")
    accepting = asyncio.create_task(server.accepting.wait())
    await asyncio.wait({serving, accepting}, return_when=asyncio.FIRST_COMPLETED)
    accepting.cancel()
    if serving.done():
        listener.close()
        await serving
        raise RuntimeError("the gateway did not start; its log says why")
    try:
        yield port
    finally:
        app.state.resources.leave()
        await asyncio.sleep(drain)  # balancers look once in a while, and nobody tells when they have
        app.state.resources.drain()
        server.should_exit = True
        await serving


async def serve(settings: Settings, services: Sequence[str] = EVERYTHING) -> None:
    """Serves until SIGTERM or SIGINT. Raises OSError where the port is taken."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(settings, services):
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
