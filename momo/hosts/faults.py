"""Faults of hosts: a broker node is killed, a host is cut off, a database's follower takes its leader's place."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from momo.chaos.child import Child
from momo.chaos.members import until_none
from momo.hosts.site import BROKERS, HostsSite

BACK_SECONDS = 60.0
CUT_SECONDS = 20.0
"""Long enough for the others to count the host's node as down."""
NOTICED_SECONDS = 4.0
"""A killed server is noticed by the end of its connections."""


async def kill_node(site: HostsSite, _: random.Random) -> None:
    """SIGKILL of the RabbitMQ node that leads most queues, and its restart once the others have all taken over."""
    leading = await site.cluster.leading()
    node = max(site.cluster.nodes, key=lambda one: leading[one.node])
    try:
        async with _back(site, "kill-node", site.members, NOTICED_SECONDS):
            await node.kill()
    finally:
        await node.start()


async def cut_host(site: HostsSite, chance: random.Random) -> None:
    """A host with a broker node, gateway, worker and relay is cut off from all others, and later is not; its node
    is helped where it does not find back by itself."""
    rank = chance.randrange(BROKERS)
    host = site.hosts[rank]
    out = site.on(host)
    reach = [child for child in site.members if child not in out]
    try:
        async with _back(site, "cut-host", reach, CUT_SECONDS):
            await host.cut()
    finally:
        await host.heal()
        await site.cluster.rejoin(site.cluster.nodes[rank])


async def promote(site: HostsSite, _: random.Random) -> None:
    """SIGKILL of the database server that takes writes; the other is promoted, and the first comes back to follow."""
    try:
        async with _back(site, "promote", site.members, NOTICED_SECONDS):
            await site.pair.leader.kill()
            await site.pair.promote()
    finally:
        await site.pair.rejoin()


@asynccontextmanager
async def _back(site: HostsSite, kind: str, reach: Sequence[Child], least: float) -> AsyncIterator[None]:
    """Notes how long it takes from here until `reach` all is ready, each of its workers consumes every queue, and that
    stays so: it is looked at for `least` seconds, since nobody may have noticed the fault at first."""
    begun = last = time.monotonic()

    async def amiss() -> list[str]:
        nonlocal last
        found = await site.amiss_of([*reach, site.sandbox])
        if found:
            last = time.monotonic()
        return found or ["it is too early to tell"] * (time.monotonic() - begun < least)

    yield
    await until_none(least + BACK_SECONDS, amiss)
    site.back[kind] = max(site.back.get(kind, 0.0), round(last - begun, 2))


FAULTS = {"kill-node": kill_node, "cut-host": cut_host, "promote": promote}
