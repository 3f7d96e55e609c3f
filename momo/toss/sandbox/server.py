"""The sandbox's process: one uvicorn server that can drop a connection and ends cleanly on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import click
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from momo.toss.sandbox.app import create
from momo.toss.sandbox.desk import HANG_UP, Desk
from momo.toss.sandbox.faults import Faults
from momo.toss.sandbox.webhooks import Webhooks

GRACE_SECONDS = 5


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: self.transport.abort}  # type: ignore[dict-item]


class SandboxServer(uvicorn.Server):
    """Listens from the moment it is constructed (port 0 takes a free one); raises OSError where it can't.

    `webhook_minute` is how many seconds a minute of Toss's retry table lasts, `webhook_patience` how many seconds a
    receiver has to answer.
    """

    def __init__(
        self,
        host: str,
        port: int,
        secret_key: str,
        webhook_url: str | None,
        *,
        webhook_minute: float = 60.0,
        webhook_patience: float = 10.0,
    ) -> None:
        faults = Faults()
        webhooks = Webhooks(webhook_url, faults, minute=webhook_minute, patience=webhook_patience)
        super().__init__(
            uvicorn.Config(
                create(Desk(secret_key, faults, webhooks)),
                http=_Protocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._listener = socket.create_server((host, port), backlog=1024)
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"
        self.ready = asyncio.Event()

    async def run_until_told(self) -> None:
        """Serves until `should_exit` is set."""
        await self.serve(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `serve`: uvicorn would raise them again after the shutdown, and the exit would not be 0."""
        yield


async def serve(host: str, port: int, secret_key: str, webhook_url: str | None) -> None:
    """Serves until SIGTERM or SIGINT. Prints its address when it is ready; raises OSError when it is taken."""
    server = SandboxServer(host, port, secret_key, webhook_url)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run_until_told())
        await server.ready.wait()
        click.echo(f"Toss sandbox listens on {server.url}")


def run(host: str, port: int, secret_key: str, webhook_url: str | None) -> None:
    """The sandbox as a process of its own; see `serve`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(host, port, secret_key, webhook_url))
