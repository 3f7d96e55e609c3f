"""A whole MOMO as processes of its own, for the tests of this folder that ask it from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from momo.local.servers import Servers
from momo.local.stage import prepare, whole
from tests.flows.members import Stage


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    settings = await prepare(servers, "security")
    async with (
        whole(settings) as address,
        aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        yield Stage(settings, client)
