"""A whole MOMO as processes, an admin and a member who can log in, and a Chromium that is started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import aiohttp
import pytest_asyncio
from playwright.async_api import Browser, Page

from momo.gateway.tokens import Member as Identity
from momo.gateway.tokens import Tokens
from momo.local.demo_login import ADMIN, DEMO, promote, register
from momo.local.servers import Servers
from momo.local.stage import prepare, whole
from tests.console.browser import chromium, log_in, visiting
from tests.console.poison import QUEUE
from tests.flows.members import Stage


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    settings = await prepare(servers, "console")
    async with (
        whole(settings) as address,
        aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        for login in (DEMO, ADMIN):
            assert await register(address, login) is None
        assert await promote(settings.user_db_url) is None
        yield Stage(settings, client)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def address(stage: Stage) -> str:
    return f"http://{stage.settings.host}:{stage.settings.port}"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, address: str, no_letters: None) -> AsyncIterator[Page]:
    """The console, with the admin logged in and the overview shown."""
    async with visiting(browser, address, viewport={"width": 1280, "height": 860}) as opened:
        await log_in(opened, ADMIN.email, ADMIN.password)
        await opened.wait_for_selector("table.queues tbody tr")
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def no_letters(stage: Stage) -> AsyncIterator[None]:
    """Nothing dead before the test, nor after it."""
    connection = await aio_pika.connect(stage.settings.amqp_url)
    async with connection:
        queue = await (await connection.channel()).get_queue(QUEUE.dead_letter_queue)
        await queue.purge()
        yield
        await queue.purge()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def admin(stage: Stage) -> dict[str, str]:
    """The admin's Authorization header, as a program has it."""
    token = Tokens(stage.settings.token_secret).sign(Identity(member_id=1, nickname="ops", role="admin"))
    return {"Authorization": f"Bearer {token}"}
