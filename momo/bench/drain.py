"""`drain`: free joins that wait in the queue, decided by one worker process and by two; durable, messages/s."""

from __future__ import annotations

import msgspec

from momo.bench.drained import joined
from momo.bench.ground import Figures, Ground, reset
from momo.bench.usage import resident_mb
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.stage import process

MEETINGS = 100


async def drain(ground: Ground) -> Figures:
    """`Drained` of one process, and as `two_*` of two; `idle_mb` is a process that has nothing to do."""
    one = await joined(ground, ground.size.drain, MEETINGS)
    two = await joined(ground, ground.size.drain, MEETINGS, workers=2)
    ground.drain_rate = one.rate
    return {**one.figures(), "idle_mb": await _idle(ground), **two.figures("two_")}


async def _idle(ground: Ground) -> float:
    await reset(ground.settings)
    settings = msgspec.structs.replace(ground.settings, metrics_port=free_port())
    async with process(settings, "work", "meeting") as worker:
        await until_ready(f"http://{settings.host}:{settings.metrics_port}/health/ready")
        return round(resident_mb(worker.pid), 1)
