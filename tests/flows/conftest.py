"""A whole MOMO as processes of its own, two workers among them, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from momo.local.servers import Servers
from momo.local.stage import prepare, whole
from tests.flows.members import Stage


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    settings = await prepare(servers)
    async with (
        whole(settings, workers=2) as address,
        aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        yield Stage(settings, client)
