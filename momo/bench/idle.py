"""`http.idle`: one join at a time with `Prefer: wait` on an idle MOMO; ms from request to committed outcome."""

from __future__ import annotations

from momo.bench.ground import Figures, Ground, reset
from momo.bench.lines import lines
from momo.bench.meetings import open_meetings
from momo.bench.requests import CAPACITY, MEETINGS, Joiners
from momo.bench.timing import percentiles, quiet
from momo.local.stage import whole
from momo.store.connection import connected

WARM_UP = 50


async def idle(ground: Ground) -> Figures:
    """Each join is sent when the one before is answered. Raises RuntimeError where one is not granted."""
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
    joiners = Joiners(ground.settings, first)
    async with whole(ground.settings) as address, lines(address, 1) as to:
        await to.saturate(joiners.ask(WARM_UP, wait=10, keyed=True))
        requests = joiners.ask(ground.size.requests, wait=10, keyed=True)
        with quiet():
            found = await to.saturate(requests)
    if set(found.statuses) != {200}:
        raise RuntimeError(f"joins were answered {dict(found.statuses)}, not only 200")
    return percentiles(found.times)
