"""A relay's share of observing: its services' lag as metrics, looked at once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import REGISTRY

from momo.lag.metrics import LagCollector
from momo.lag.observer import Observer
from momo.settings import Settings
from momo.stopping import rest

EVERY_SECONDS = 1.0


async def observe(settings: Settings, services: Sequence[str], stop: asyncio.Event) -> None:
    """Shows the lag of `services` among the process' metrics until `stop` is set."""
    collector = LagCollector()
    REGISTRY.register(collector)
    try:
        async with Observer(settings, services) as observer:
            while not stop.is_set():
                collector.snapshot = await observer.look()
                await rest(stop, EVERY_SECONDS)
    finally:
        REGISTRY.unregister(collector)
