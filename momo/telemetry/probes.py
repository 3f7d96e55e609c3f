"""The probes of a worker or relay: `/metrics`, `/health/live` and `/health/ready` on a port of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from aiohttp import web

from momo.telemetry.exposition import exposed


class Probes:
    """Answers while inside; with port 0 it does nothing. `amiss` says what keeps the process from its work now."""

    def __init__(self, host: str, port: int, amiss: Callable[[], Sequence[str]]) -> None:
        self._host = host
        self._port = port
        self._amiss = amiss
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> None:
        if not self._port:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._answer_ready)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        text, content_type = exposed(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _answer_ready(self, _: web.Request) -> web.Response:
        amiss = self._amiss()
        return web.json_response({"ready": not amiss, "amiss": list(amiss)}, status=503 if amiss else 200)
