"""Five services as processes of their own behind a real nginx, with workers, relay and sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.stage import process
from momo.settings import SERVICES, Settings
from tests.flows.members import Stage
from tests.routing.balancer import nginx

OTHERS = "user payment notification"
"""What the second worker works for: meeting has one of its own."""


class Five:
    """`stage` talks to the balancer. Processes go by their words: `serve meeting`, `work meeting`."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.ports = {service: free_port() for service in SERVICES}
        self._stack = stack
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def enter(self, folder: Path) -> None:
        self.address = await self._stack.enter_async_context(
            nginx(folder, {service: [port] for service, port in self.ports.items()}, port=self.settings.port)
        )
        connector = aiohttp.TCPConnector(limit=0)
        client = await self._stack.enter_async_context(aiohttp.ClientSession(self.address, connector=connector))
        self.stage = Stage(self.settings, client)
        for words in (*(f"serve {service}" for service in SERVICES), "work meeting", f"work {OTHERS}"):
            await self.start(words)
        for command in ("relay", "toss-sandbox"):  # the sandbox sends its webhooks to the balancer
            await self.start(command)
        await self.ready(*SERVICES)

    async def start(self, words: str) -> None:
        command, *names = words.split()
        settings = replace(self.settings, user_url=self.gateway("user"))
        if command == "serve":
            settings = replace(settings, port=self.ports[names[0]])
        running = process(settings, command, *names)
        self._running[words] = await self._stack.enter_async_context(running)

    async def kill(self, words: str) -> None:
        self._running[words].kill()
        await self._running[words].wait()

    def end(self) -> None:
        """Tells all at once; each is waited for as the stack ends."""
        for running in self._running.values():
            if running.returncode is None:
                running.terminate()

    def gateway(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    async def ready(self, *services: str) -> None:
        await asyncio.gather(*(until_ready(f"{self.gateway(service)}/health/ready") for service in services))

    async def ask(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and body that the balancer gives."""
        answer = await self.stage.request("GET", path, **headers)
        return answer.status, answer.body


@asynccontextmanager
async def five(settings: Settings, folder: Path) -> AsyncIterator[Five]:
    async with AsyncExitStack() as stack:
        found = Five(settings, stack)
        try:
            await found.enter(folder)
            yield found
        finally:
            found.end()
