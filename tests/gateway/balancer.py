"""A tiny balancer: sends each request to one of the gateways that say they are ready, in turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

LOOK_SECONDS = 0.1
PASSED_ON = ("Authorization", "Idempotency-Key", "Prefer", "Content-Type")
PASSED_BACK = ("Location", "Retry-After", "Content-Type")


class Balancer:
    """`broken` says which requests found a gateway that did not answer: the balancer repeats nothing by itself."""

    def __init__(self, gateways: Sequence[str]) -> None:
        self.url = ""
        self.broken: list[str] = []
        self.ready: list[str] = []
        self._gateways = tuple(gateways)
        self._turn = itertools.count()
        # a balancer keeps connections, and some are idle when a gateway goes
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60))

    async def watch(self) -> None:
        while True:
            found = await asyncio.gather(*map(self._looks_ready, self._gateways))
            self.ready = [gateway for gateway, ready in zip(self._gateways, found, strict=True) if ready]
            await asyncio.sleep(LOOK_SECONDS)

    async def handle(self, request: web.Request) -> web.Response:
        if not self.ready:
            return web.Response(status=503, headers={"Retry-After": "1"})
        gateway = self.ready[next(self._turn) % len(self.ready)]
        headers = {name: value for name in PASSED_ON if (value := request.headers.get(name))}
        try:
            async with self._http.request(
                request.method, gateway + request.raw_path, headers=headers, data=await request.read()
            ) as answer:
                back = {name: value for name in PASSED_BACK if (value := answer.headers.get(name))}
                return web.Response(status=answer.status, body=await answer.read(), headers=back)
        except aiohttp.ClientError as error:
            self.broken.append(f"{request.method} {request.path} at {gateway}: {error!r}")
            return web.Response(status=502)

    async def close(self) -> None:
        await self._http.close()

    async def _looks_ready(self, gateway: str) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=1)
            async with self._http.get(f"{gateway}/health/ready", timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


@asynccontextmanager
async def balancing(gateways: Sequence[str]) -> AsyncIterator[Balancer]:
    """A balancer before `gateways`, on a port of its own."""
    balancer = Balancer(gateways)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", balancer.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    balancer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    watching = asyncio.create_task(balancer.watch())
    try:
        yield balancer
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await runner.cleanup()
        await balancer.close()
