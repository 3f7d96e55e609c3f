"""Several copies of one command: started together, restarted when one dies, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence

import msgspec

from momo.local.supervise import Child, Supervisor


async def run_many(argv: Sequence[str], count: int, grace: float) -> int:
    """Runs `count` copies of `argv` until SIGTERM or SIGINT, then stops all at once within `grace` seconds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)
    supervisor = Supervisor(print)
    child = Child("worker", argv, dict(os.environ))
    for number in range(count):
        supervisor.start(msgspec.structs.replace(child, name=f"worker-{number}"))
    await stop.wait()
    await supervisor.stop(grace + 2)
    return 0
