"""Limits on logging in and registering: one count for all gateways, and none, but a service, while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from momo.gateway.limits import LOGIN, REGISTER, REGISTER_FROM
from momo.gateway.server import running
from momo.local.ports import free_port
from tests.flows.members import Stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways(stage: Stage) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
    """The stage's gateway process, and another one beside it."""
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(msgspec.structs.replace(stage.settings, port=0)))
        yield stage.client, await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))


async def login(client: aiohttp.ClientSession, email: str) -> aiohttp.ClientResponse:
    body = {"email": email, "password": "a guess"}
    async with client.post("/api/v2/users/login", json=body) as answer:
        await answer.read()
        return answer


async def register(client: aiohttp.ClientSession, email: str) -> aiohttp.ClientResponse:
    body = {"email": email, "nickname": uuid4().hex[:12], "password": "a password"}
    async with client.post("/api/v2/users", json=body) as answer:
        await answer.read()
        return answer


def fresh() -> str:
    return f"{uuid4().hex}@momo.test"


@pytest.mark.parametrize(("limit", "ask", "passed"), [(LOGIN, login, 401), (REGISTER, register, 202)])
async def test_two_gateways_share_one_count(
    gateways: tuple[aiohttp.ClientSession, aiohttp.ClientSession], limit: object, ask: object, passed: int
) -> None:
    assert limit in (LOGIN, REGISTER)
    assert callable(ask)
    email = fresh()
    answers = [await ask(gateways[number % 2], email) for number in range(12)]
    assert [answer.status for answer in answers] == [passed] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].content_type == "application/problem+json"


async def test_count_is_exact_when_all_come_at_once(
    gateways: tuple[aiohttp.ClientSession, aiohttp.ClientSession],
) -> None:
    email = fresh()
    answers = await asyncio.gather(*(login(gateways[number % 2], email) for number in range(30)))
    assert sorted(answer.status for answer in answers) == [401] * 10 + [429] * 20


async def test_spelling_an_address_in_another_way_is_no_way_around(
    gateways: tuple[aiohttp.ClientSession, aiohttp.ClientSession],
) -> None:
    name = fresh()
    spellings = [name, name.upper(), f" {name}", name.capitalize()]
    answers = [await login(gateways[0], spellings[number % 4]) for number in range(11)]
    assert answers[-1].status == 429


async def test_address_of_one_client_is_limited_for_all_its_accounts(
    gateways: tuple[aiohttp.ClientSession, aiohttp.ClientSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REGISTER_FROM.quota > REGISTER.quota
    monkeypatch.setattr(
        "momo.gateway.routes.user.REGISTER_FROM", msgspec.structs.replace(REGISTER_FROM, name="t", quota=2)
    )
    answers = [await register(gateways[1], fresh()) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 429]


async def test_members_log_in_and_register_while_redis_is_away(stage: Stage) -> None:
    away = msgspec.structs.replace(stage.settings, port=0, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(away))
        client = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        answers = [await login(client, email) for email in [fresh()] * 12]
        assert {answer.status for answer in answers} == {401}
        assert "RateLimit" not in answers[0].headers
        assert (await register(client, fresh())).status == 202
