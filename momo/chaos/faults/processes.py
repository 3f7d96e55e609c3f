"""Faults of MOMO's own processes: killed, frozen, told a wrong time, replaced while others work."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress

from momo.chaos.child import Child
from momo.chaos.faults.locks import rows_locked, waiting
from momo.chaos.members import Unsettled
from momo.chaos.site import HEARTBEAT_SECONDS, Site
from momo.local.process import how_it_ended

CAUGHT_SECONDS = 0.9
"""How long a worker may take to run into a lock; its statement would give up after a second."""
FROZEN_SECONDS = 3 * HEARTBEAT_SECONDS + 1
"""The broker looks once in each heartbeat's time, and gives up when it has heard nothing at two looks."""
SKEW_SECONDS = 150
SKEWED_SECONDS = 5.0


async def kill_worker(site: Site, rng: random.Random) -> None:
    """SIGKILL of a worker in the middle of its flush: with its rows locked by somebody else it can't get out of it."""
    victim = rng.choice(site.role("worker"))
    async with rows_locked(site):
        with suppress(TimeoutError):
            async with asyncio.timeout(CAUGHT_SECONDS):
                while await waiting(site) < len(site.role("worker")):  # noqa: ASYNC110  # MariaDB has no event for us
                    await asyncio.sleep(0.02)
        await site.kill(victim)


async def kill_relay(site: Site, rng: random.Random) -> None:
    """SIGKILL of a relay."""
    await site.kill(rng.choice(site.role("relay")))


async def kill_gateway(site: Site, rng: random.Random) -> None:
    """SIGKILL of a gateway with its requests and sockets."""
    await site.kill(rng.choice(site.role("gateway")))


async def freeze_worker(site: Site, rng: random.Random) -> None:
    """SIGSTOP of a worker until the broker has given its messages to others, then SIGCONT: a zombie comes back."""
    victim = rng.choice(site.role("worker"))
    victim.freeze()
    try:
        await asyncio.sleep(FROZEN_SECONDS)
    finally:
        victim.thaw()


async def skew_clocks(site: Site, rng: random.Random) -> None:
    """Two workers are started anew with clocks five minutes apart, and some seconds later with the right time again."""
    pair = rng.sample(site.role("worker"), 2)
    try:
        for child, seconds in zip(pair, (-SKEW_SECONDS, SKEW_SECONDS), strict=True):
            await site.stop(child)
            await child.start(_skewed(child, seconds))
            await site.ready(child)
        await asyncio.sleep(SKEWED_SECONDS)
    finally:
        for child in pair:
            await site.stop(child)
            await site.start(child)


async def roll(site: Site, rng: random.Random) -> None:
    """A deploy: every process is stopped by SIGTERM and started again, one of each role at a time.

    Raises Unsettled where one does not end in order.
    """
    roles = [rng.sample(members, len(members)) for members in map(site.role, ("gateway", "worker", "relay"))]
    for rank in range(max(map(len, roles))):
        await asyncio.gather(*(_replace(site, members[rank]) for members in roles if rank < len(members)))


async def _replace(site: Site, child: Child) -> None:
    code = 0
    try:
        code = await site.stop(child)
    finally:
        await site.start(child)
    if code:
        raise Unsettled(f"{child.name} was told to end, and ended with {how_it_ended(code)}")
    await site.ready(child)


def _skewed(child: Child, seconds: int) -> list[str]:
    """The command line of `child`, `python -m MODULE WORDS…`, run with a clock that is `seconds` fast."""
    python, dash_m, *rest = child.argv
    if (python, dash_m) != (sys.executable, "-m"):
        raise ValueError(f"{child.name} is not run as a Python module: {child.argv}")
    return [python, dash_m, "momo.chaos.skewed", str(seconds), *rest]


FAULTS = {
    "kill-worker": kill_worker,
    "kill-relay": kill_relay,
    "kill-gateway": kill_gateway,
    "freeze-worker": freeze_worker,
    "skew-clocks": skew_clocks,
    "roll": roll,
}
