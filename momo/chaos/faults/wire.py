"""Faults of the network between MOMO's processes and each of their servers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from momo.chaos.site import Site

CUT_SECONDS = 2.0
SLOW_SECONDS = 4.0
SLOW_LATENCY = 0.15
SLOW_RATE = 50_000
"""Bytes a second and connection."""
RESET_SECONDS = 3.0

Strike = Callable[[Site, random.Random], Awaitable[None]]


def cut(server: str) -> Strike:
    """Every connection to `server` is reset and new ones are refused, for some seconds."""

    async def strike(site: Site, _: random.Random) -> None:
        try:
            site.proxies[server].cut()
            await asyncio.sleep(CUT_SECONDS)
        finally:
            site.proxies[server].mend()

    return strike


def slow(server: str) -> Strike:
    """The wire to `server` has a high latency and a low bandwidth, for some seconds."""

    async def strike(site: Site, _: random.Random) -> None:
        try:
            site.proxies[server].slow(SLOW_LATENCY, SLOW_RATE)
            await asyncio.sleep(SLOW_SECONDS)
        finally:
            site.proxies[server].mend()

    return strike


def reset(server: str) -> Strike:
    """Each connection to `server` is reset half-way through the next frame that it carries."""

    async def strike(site: Site, _: random.Random) -> None:
        try:
            site.proxies[server].reset_midway()
            await asyncio.sleep(RESET_SECONDS)
        finally:
            site.proxies[server].mend()

    return strike


FAULTS = {
    f"{fault.__name__}-{server}": fault(server) for fault in (cut, slow, reset) for server in ("amqp", "mysql", "redis")
}
