"""`telemetry`: what watching costs: the drain with and without metrics and logs, and with 1 % of it traced."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec.structs import replace

from momo.bench.drained import Drained, joined
from momo.bench.ground import Figures, Ground
from momo.local.ports import free_port
from momo.local.stage import MOMO

MEETINGS = 100
SAMPLED = 0.01
SILENT = (sys.executable, "-m", "momo.bench.silent")


async def telemetry(ground: Ground) -> Figures:
    """Rates and worker CPU: `off` counts nothing and logs errors only, `on` is as MOMO comes, with its log in a file,
    `traced` exports spans besides. Each is run twice, in this order and back, so that what drifts weighs on all."""
    found: dict[str, list[Drained]] = {"off": [], "on": [], "traced": []}
    with tempfile.TemporaryDirectory(prefix="momo-bench-") as folder:
        async with collecting() as endpoint:
            programs = {
                "off": SILENT,
                "on": MOMO,
                "traced": ("env", f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}", *MOMO),
            }
            for name in (*programs, *reversed(programs)):
                there = replace(
                    ground, settings=replace(ground.settings, log_level="ERROR" if name == "off" else "INFO")
                )
                program = logged(f"{folder}/log", programs[name])
                share = SAMPLED if name == "traced" else None
                messages = ground.size.spread
                found[name].append(await joined(there, messages, MEETINGS, program=program, traced=share))
    figures: Figures = {}
    for name, runs in found.items():
        figures[f"{name}_rate"] = round(statistics.mean([run.rate for run in runs]))
        figures[f"{name}_cpu_us"] = round(statistics.mean([run.cpu_us for run in runs]), 1)
    return figures


def logged(file: str, program: Sequence[str]) -> tuple[str, ...]:
    """`program` with its stderr at the end of `file`."""
    return ("sh", "-c", f'exec "$0" "$@" 2>>"{file}"', *program)


@asynccontextmanager
async def collecting() -> AsyncIterator[str]:
    """The address of a collector that takes every span and keeps none."""

    async def taken(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", taken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
