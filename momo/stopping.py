"""Waiting that the end of a process cuts short."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Waits for `seconds`, or until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
