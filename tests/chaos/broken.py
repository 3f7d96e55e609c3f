"""The rig on a MOMO whose workers lack a guard: a small stage on the suite's servers, and workers that are killed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from momo.chaos.child import Child
from momo.chaos.load import Size
from momo.chaos.report import figures
from momo.chaos.rig import rigged
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.local.stage import MOMO, prepare
from momo.settings import environment

SMALL = Size(rate=80.0, clients=24, members=24, meetings=5)


async def broken(
    servers: Servers, folder: Path, variant: str, *, seconds: float, kills: int = 0, patience: float = 4.0
) -> dict[str, int]:
    """What the ledger says after `seconds` of load on two workers of `variant`, of which one is killed now and then.

    With the variant `sound` the workers are as they should be."""
    settings = await prepare(servers, f"chaos_{variant}")
    program = MOMO if variant == "sound" else (sys.executable, "-m", "tests.flows.variant", variant)

    def child(name: str, *words: str) -> Child:
        own = replace(settings, metrics_port=free_port())
        url = f"http://127.0.0.1:{own.metrics_port}/health/ready"
        return Child(name, words[-1], words, {**os.environ, **environment(own)}, url, folder / f"{name}.log")

    workers = [child(f"worker-{number}", *program, "work") for number in (1, 2)]
    others = [child(command, *MOMO, command) for command in ("toss-sandbox", "serve", "relay")]
    gateway = f"http://127.0.0.1:{settings.port}"
    try:
        for one in (*workers, *others):
            await one.start()
        await until_ready(f"{gateway}/health/ready")
        async with rigged(settings, [gateway], seed=1, size=SMALL) as rig:
            await rig.begin()
            for _ in range(kills):
                await asyncio.sleep(seconds / (kills + 1))
                await workers[0].kill()
            await asyncio.sleep(seconds / (kills + 1))
            return figures(await rig.end(patience))
    finally:
        await asyncio.gather(*(one.stop(5) for one in (*workers, *others)))
