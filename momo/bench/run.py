"""`momo bench`: the cases, round after round, on private servers of their own."""

from __future__ import annotations

import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from momo.bench.backlog import backlog
from momo.bench.cost import cost
from momo.bench.drain import drain
from momo.bench.drained import joined
from momo.bench.ground import FULL, Case, Figures, Ground, Size
from momo.bench.handover import handover
from momo.bench.hot import hot, spread
from momo.bench.http import http
from momo.bench.idle import idle
from momo.bench.latency import latency
from momo.bench.overload import overload
from momo.bench.peers import peers, present
from momo.bench.push import push
from momo.bench.ratios import ratios
from momo.bench.raw import raw
from momo.bench.saga import saga
from momo.bench.sized import sized
from momo.bench.telemetry import telemetry
from momo.local.servers import private_servers
from momo.local.stage import prepare

CASES: dict[str, Case] = {
    "drain": drain,
    "telemetry": telemetry,
    "hot": hot,
    "spread": spread,
    "latency": latency,
    "saga": saga,
    "http.idle": idle,
    "http": http,
    "http.raw": raw,
    "push": push,
    "overload": overload,
    "backlog": backlog,
    "cost": cost,
    "sized": sized,
    "handover": handover,
    "peers": peers,
}
ONCE = frozenset({"push", "overload", "backlog", "handover", "peers"})
"""Not in every round: they take minutes, and peers repeat by themselves."""
WARM_UP = 2_000


class Report(msgspec.Struct, kw_only=True):
    """Each case's figures, and ratios between them: medians, with `_min` and `_max` where rounds differ. `machine` is
    where they were measured, `day` when."""

    cases: dict[str, Figures]
    ratios: Figures
    machine: str = ""
    day: str = ""


def chosen(names: str) -> list[str]:
    """The cases of a list such as `drain,http`; `http` has parts, and there is `all`. Raises ValueError."""
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in (*CASES, "all"):
            raise ValueError(f"there is no case {name!r}; there are: all, {', '.join(CASES)}")
    return [case for case in CASES if "all" in wanted or case in wanted or case.partition(".")[0] in wanted]


async def bench(cases: Sequence[str], repeat: int, say: Callable[[str], None], *, size: Size = FULL) -> Report:
    """Runs `cases` one after the other, `repeat` times. Raises RuntimeError where one did not do its work."""
    if "peers" in cases:
        present()
    rounds: list[dict[str, Figures]] = []
    with tempfile.TemporaryDirectory(prefix="momo-bench-") as folder:
        async with private_servers(Path(folder)) as servers:
            # a line a message is not for the terminal; what the lines cost has a case of its own
            settings = msgspec.structs.replace(await prepare(servers), log_level="WARNING")
            ground = Ground(settings=settings, servers=servers, size=size, say=say, repeat=repeat)
            await joined(ground, min(WARM_UP, size.drain), 10)
            for number in range(repeat):
                rounds.append({})
                for case in cases:
                    if number == 0 or case not in ONCE:
                        rounds[-1][case] = await _run(ground, case, number)
    return Report(
        machine=machine(),
        day=datetime.now(UTC).date().isoformat(),
        cases={case: summary([found[case] for found in rounds if case in found]) for case in cases},
        ratios=summary([ratios({**rounds[0], **found}) for found in rounds]),
    )


async def _run(ground: Ground, case: str, number: int) -> Figures:
    began = time.perf_counter()
    try:
        found = await CASES[case](ground)
    except TimeoutError as error:
        raise RuntimeError(f"{case} was not done in time") from error
    figures = ", ".join(f"{name} {value:g}" for name, value in found.items())
    ground.say(f"{case} {number + 1}/{ground.repeat} ({time.perf_counter() - began:.0f} s): {figures}")
    return found


def machine() -> str:
    """This one: its cores, their make, its kernel."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    make = found[1] if found else platform.machine()
    return f"{os.cpu_count()} cores of {make}, {platform.system()} {platform.release()}"


def summary(runs: Sequence[Mapping[str, float]]) -> Figures:
    """Each figure's median, with the least and the most where they differ."""
    found: Figures = {}
    for name in dict.fromkeys(name for run in runs for name in run):
        values = [run[name] for run in runs if name in run]
        found[name] = round(statistics.median(values), 3)
        if min(values) != max(values):
            found |= {f"{name}_min": min(values), f"{name}_max": max(values)}
    return found
