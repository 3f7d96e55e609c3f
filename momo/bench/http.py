"""`http`: joins over HTTP at rising rates, open-loop, without waiting and waiting for the outcome."""

from __future__ import annotations

from momo.bench.ground import Figures, Ground, reset
from momo.bench.lines import Lines, lines
from momo.bench.meetings import open_meetings
from momo.bench.requests import CAPACITY, MEETINGS, Joiners
from momo.bench.timing import percentiles, quiet
from momo.local.stage import whole
from momo.store.connection import connected

WAIT = 30
KINDS = {"accepted": (0, 202), "outcome": (WAIT, 200)}
KEPT_UP = 0.9
"""A server that answers less than this share of a rate is not offered a higher one."""


async def http(ground: Ground) -> Figures:
    """`accepted_rate` and `outcome_rate`: the most answers a second of any offered rate, with 202 and with the
    committed outcome; at each offered rate the percentiles from when a request was due. Every request has an
    Idempotency-Key. Raises RuntimeError for any other answer."""
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
    joiners = Joiners(ground.settings, first)
    figures: Figures = {}
    async with whole(ground.settings) as address, lines(address, ground.size.lines) as to:
        await to.saturate(joiners.ask(ground.size.lines, wait=WAIT, keyed=True))
        for kind in KINDS:
            figures |= await _rising(ground, to, joiners, kind)
            await to.saturate(
                joiners.ask(ground.size.lines, wait=WAIT)
            )  # what was only accepted is decided before these are
    return figures


async def _rising(ground: Ground, to: Lines, joiners: Joiners, kind: str) -> Figures:
    wait, status = KINDS[kind]
    figures: Figures = {}
    best = 0.0
    for rate in ground.size.rates:
        requests = joiners.ask(int(rate * ground.size.seconds), wait=wait, keyed=True)
        with quiet():
            found = await to.offer(requests, rate)
        if set(found.statuses) != {status}:
            raise RuntimeError(f"joins at {rate}/s were answered {dict(found.statuses)}, not only {status}")
        ground.say(f"  {kind} at {rate}/s: {found.rate:.0f}/s")
        figures |= percentiles(found.times, f"{kind}_at_{rate}_", wide=True)
        best = max(best, found.rate)
        if found.rate < rate * KEPT_UP:
            break
    return {f"{kind}_rate": round(best), **figures}
