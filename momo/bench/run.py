"""`momo bench`: the cases, one after the other, on private servers of their own."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from momo.bench.drain import drain
from momo.bench.http import http
from momo.local.servers import private_servers
from momo.local.stage import prepare
from momo.settings import Settings

CASES: dict[str, Callable[[Settings], Awaitable[msgspec.Struct]]] = {"drain": drain, "http": http}
Figures = dict[str, dict[str, float]]


async def bench(cases: Sequence[str], repeat: int, say: Callable[[str], None]) -> Figures:
    """Runs each of `cases` `repeat` times; each figure's median, and of the rates and times also min and max."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="momo-bench-") as folder:
        async with private_servers(Path(folder)) as servers:
            settings = await prepare(servers)
            for case in cases:
                runs = []
                for number in range(repeat):
                    result = msgspec.structs.asdict(await CASES[case](settings))
                    say(f"{case} {number + 1}/{repeat}: " + ", ".join(f"{k} {v:g}" for k, v in result.items()))
                    runs.append(result)
                figures[case] = _summary(runs)
    return figures


def _summary(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    summary: dict[str, float] = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        summary[name] = statistics.median(values)
        if min(values) != max(values):
            summary |= {f"{name}_min": min(values), f"{name}_max": max(values)}
    return summary
