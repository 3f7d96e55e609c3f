"""Several copies of one command: started together, restarted when one dies, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence

from momo.local.supervise import Child, Supervisor
from momo.settings import Settings, resolved, variable


async def run_many(argv: Sequence[str], count: int, settings: Settings) -> int:
    """Runs `count` copies of `argv` until SIGTERM or SIGINT, then stops all at once. Each has a port for its probes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)
    supervisor = Supervisor(lambda line: print(line, flush=True))  # noqa: T201 - the copies' own output
    for number in range(count):
        port = settings.metrics_port + number if settings.metrics_port else 0
        environment = {**resolved(os.environ), variable("metrics_port"): str(port)}
        supervisor.start(Child(f"worker-{number}", argv, environment))
    await stop.wait()
    await supervisor.stop(settings.grace_seconds + 2)
    return 0
