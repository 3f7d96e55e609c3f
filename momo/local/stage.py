"""A stage: private servers with every database migrated and the topology declared, and processes of MOMO on them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from momo.broker.topology import declare, topology
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.settings import Settings, environment
from momo.store.migrate import folder, migrate_all


async def prepare(servers: Servers) -> Settings:
    """Settings for MOMO on `servers`: databases migrated, topology declared, free ports for gateway and sandbox."""
    settings = msgspec.structs.replace(
        servers.settings(), port=free_port(), toss_url=f"http://127.0.0.1:{free_port()}", metrics_port=0
    )
    await migrate_all(settings, folder())
    await declare(settings.amqp_url, topology())
    return settings


MOMO = (sys.executable, "-m", "momo")


@asynccontextmanager
async def process(
    settings: Settings, *words: str, program: Sequence[str] = MOMO
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`momo WORDS` as a process of its own; it is told to end with the block, and killed if it does not in time."""
    child = await asyncio.create_subprocess_exec(*program, *words, env={**os.environ, **environment(settings)})
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                async with asyncio.timeout(settings.grace_seconds + 5):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()


@asynccontextmanager
async def whole(settings: Settings, *, workers: int = 1, program: Sequence[str] = MOMO) -> AsyncIterator[str]:
    """Sandbox, gateway, relay and `workers` processes for all queues; the gateway's address, once it is ready."""
    async with AsyncExitStack() as stack:
        for command in ("toss-sandbox", "serve", "relay", *("work",) * workers):
            await stack.enter_async_context(process(settings, command, program=program))
        address = f"http://{settings.host}:{settings.port}"
        await until_ready(f"{address}/health/ready")
        yield address
