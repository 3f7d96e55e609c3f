"""A stage: private servers with every database migrated and the topology declared, and processes of MOMO on them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import msgspec

from momo.broker.management import add_vhost
from momo.broker.topology import declare, topology
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.settings import DATABASES, Settings, inherited
from momo.store.migrate import folder, migrate_all


async def prepare(servers: Servers, name: str = "momo") -> Settings:
    """Settings for a MOMO called `name` on `servers`: a virtual host and databases of its own, migrated and declared,
    and free ports for gateway and sandbox."""
    given = servers.settings()
    await add_vhost(given.amqp_management_url, name)
    urls = {
        f"{service}_db_url": f"{given.db_url(service).rpartition('/')[0]}/{name}_{service}_db" for service in DATABASES
    }
    settings = msgspec.structs.replace(
        given,
        amqp_url=urlsplit(given.amqp_url)._replace(path=f"/{name}").geturl(),
        port=free_port(),
        toss_url=f"http://127.0.0.1:{free_port()}",
        **urls,
    )
    await migrate_all(settings, folder())
    await declare(settings.amqp_url, topology())
    return settings


MOMO = (sys.executable, "-m", "momo")
STDERR = 2
"""Where children speak: what this process has on stdout may be for programs."""


@asynccontextmanager
async def process(
    settings: Settings, *words: str, program: Sequence[str] = MOMO
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`momo WORDS` as a process of its own; it is told to end with the block, and killed if it does not in time."""
    child = await asyncio.create_subprocess_exec(*program, *words, env=inherited(settings), stdout=STDERR)
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
