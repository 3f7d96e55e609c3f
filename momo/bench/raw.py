"""`http.raw`: the most commands a second that one gateway process accepts, against the least that a server can do."""

from __future__ import annotations

import sys
import time

from momo.bench.ground import Figures, Ground, reset
from momo.bench.lines import lines, listening
from momo.bench.meetings import open_meetings
from momo.bench.requests import CAPACITY, MEETINGS, Joiners
from momo.bench.timing import quiet
from momo.bench.usage import cpu_seconds
from momo.local.stage import MOMO, process
from momo.store.connection import connected

LINES = 64
CONSTANT = (sys.executable, "-m", "momo.bench.constant")


async def raw(ground: Ground) -> Figures:
    """`rate`: the gateway, without a key; `keyed_rate` with an Idempotency-Key each, which is looked up in the inbox
    and claimed in Redis; `raw_rate`: `momo.bench.constant`. No worker takes the machine's time. `load_us`: what this
    process needs for a request."""
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
    joiners = Joiners(ground.settings, first)
    count = ground.size.requests * 10
    constant = await _saturated(ground, CONSTANT, (), joiners.ask(count))
    plain = await _saturated(ground, MOMO, ("serve",), joiners.ask(count))
    keyed = await _saturated(ground, MOMO, ("serve",), joiners.ask(count, keyed=True))
    await reset(ground.settings)
    return {
        "rate": plain["rate"],
        "cpu_us": plain["cpu_us"],
        "keyed_rate": keyed["rate"],
        "keyed_cpu_us": keyed["cpu_us"],
        "raw_rate": constant["rate"],
        "raw_cpu_us": constant["cpu_us"],
        "load_us": plain["load_us"],
    }


async def _saturated(
    ground: Ground, program: tuple[str, ...], words: tuple[str, ...], requests: list[bytes]
) -> Figures:
    """Raises RuntimeError where a request is not accepted."""
    settings = ground.settings
    warm_up = len(requests) // 5
    async with process(settings, *words, program=program) as server:
        address = f"http://{settings.host}:{settings.port}"
        await listening(address)
        async with lines(address, LINES) as to:
            await to.saturate(requests[:warm_up])
            before, own = cpu_seconds(server.pid), time.process_time()
            with quiet():
                found = await to.saturate(requests[warm_up:])
            used, spent = cpu_seconds(server.pid) - before, time.process_time() - own
    if set(found.statuses) != {202}:
        raise RuntimeError(f"joins were answered {dict(found.statuses)}, not only 202")
    count = len(found.times)
    return {"rate": round(found.rate), "cpu_us": round(used / count * 1e6), "load_us": round(spent / count * 1e6)}
