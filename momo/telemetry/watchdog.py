"""The watchdog: a process whose event loop hangs on a message ends itself, so the message can be quarantined."""

from __future__ import annotations

import asyncio
import faulthandler
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PATIENCE = 30.0
"""Seconds that the loop may stand still. The broker then gives its messages to others, counting the delivery."""


@asynccontextmanager
async def watched(patience: float = PATIENCE) -> AsyncIterator[None]:
    """While inside, a loop that stands still for `patience` seconds says where on stderr, and the process exits 1."""

    async def alive() -> None:
        while True:
            faulthandler.dump_traceback_later(patience, exit=True)
            await asyncio.sleep(patience / 6)

    task = asyncio.create_task(alive())
    try:
        yield
    finally:
        task.cancel()
        faulthandler.cancel_dump_traceback_later()
