"""`python -m momo.health`, as an engine runs it beside a process."""

from __future__ import annotations

import asyncio
import socket
import sys

from aiohttp import web

from momo.local.ports import free_port
from momo.telemetry.probes import Probes


async def health(**variables: int) -> int:
    """How it ends in this environment and no other."""
    environment = {name: str(value) for name, value in variables.items()}
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "momo.health", env=environment)
    return await child.wait()


async def test_a_worker_that_answers_at_its_port_is_healthy_though_not_ready() -> None:
    port = free_port()
    async with Probes("127.0.0.1", port, lambda: ["a lane"]):
        assert await health(MOMO_PORT=free_port(), MOMO_METRICS_PORT=port) == 0


async def test_nobody_at_either_port_is_unhealthy() -> None:
    assert await health(MOMO_PORT=free_port(), MOMO_METRICS_PORT=free_port()) == 1
    assert await health() == 1


async def test_another_answer_than_200_is_unhealthy() -> None:
    port = free_port()
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        assert await health(MOMO_PORT=port) == 1
    finally:
        await runner.cleanup()


async def test_who_takes_the_question_and_never_answers_is_unhealthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        assert await health(MOMO_PORT=frozen.getsockname()[1]) == 1


async def test_it_loads_nothing_of_the_rest_of_momo() -> None:
    script = "import sys, momo.health; print([m for m in sys.modules if m in ('momo.settings', 'msgspec', 'asyncio')])"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert (await child.communicate())[0].strip() == b"[]"
