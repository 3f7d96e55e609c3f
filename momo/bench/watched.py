"""A worker whose own metrics tell how much it has handled, and in how many flushes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from momo.bench.ground import Figures
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.stage import MOMO, process
from momo.settings import Settings

LOOK = 0.1
PATIENCE = 300.0
SAMPLE = re.compile(r"^(momo_[a-z_]+)(?:\{(.*)\})? ([0-9.e+]+)$", re.MULTILINE)


class Watched:
    """A worker process, by its id and the address of its metrics."""

    def __init__(self, pid: int, address: str, client: aiohttp.ClientSession) -> None:
        self.pid = pid
        self._address = address
        self._client = client

    async def figures(self) -> Figures:
        """Messages by queue, whatever became of them; `flushes`, and what they `flushed` in `flush_seconds`; how many
        partitions' `turns` have come."""
        async with self._client.get(self._address) as answer:
            text = await answer.text()
        found: Figures = {"flushes": 0.0, "flushed": 0.0, "flush_seconds": 0.0, "turns": 0.0}
        names = {
            "momo_flush_messages_count": "flushes",
            "momo_flush_messages_sum": "flushed",
            "momo_flush_seconds_sum": "flush_seconds",
            "momo_partition_turns_total": "turns",
        }
        for name, labels, value in SAMPLE.findall(text):
            if name == "momo_messages_total":
                queue = re.search(r'queue="([^"]+)"', labels)
                assert queue is not None
                found[queue[1]] = found.get(queue[1], 0.0) + float(value)
            elif name in names:
                found[names[name]] += float(value)
        return found

    async def until(self, queue: str, count: float) -> Figures:
        """Its figures, once it has handled `count` of `queue`. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.figures()).get(queue, 0.0) < count:  # noqa: ASYNC110 - another process
                await asyncio.sleep(LOOK)
        return found


@asynccontextmanager
async def watched(settings: Settings, *names: str, program: Sequence[str] = MOMO) -> AsyncIterator[Watched]:
    """`momo work NAMES`, or `program`'s, ready."""
    settings = msgspec.structs.replace(settings, metrics_port=free_port())
    address = f"http://{settings.host}:{settings.metrics_port}"
    async with process(settings, "work", *names, program=program) as worker, aiohttp.ClientSession() as client:
        await until_ready(f"{address}/health/ready")
        yield Watched(worker.pid, f"{address}/metrics", client)
