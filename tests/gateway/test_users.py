"""What one service asks another: signed, timed out, behind a circuit breaker, else answered from memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from momo.bench.meetings import open_meetings
from momo.gateway.internal import HEADER, internal_secret, verify
from momo.gateway.server import running
from momo.internal import users
from momo.internal.users import User, UserClient
from momo.settings import Settings
from momo.store.connection import connected

SECRET = internal_secret("a secret of sufficient length, surely")


class UserService:
    """Answers as it is told; `asked` has what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.asked: list[web.Request] = []
        self.go = asyncio.Event()
        self.go.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        await self.go.wait()
        user_id = int(request.match_info["user_id"])
        return web.json_response({"userId": user_id, "nickname": f"m{user_id}", "more": 1}, status=self.status)


@pytest.fixture
async def service() -> AsyncIterator[UserService]:
    async with serving() as found:
        yield found


@asynccontextmanager
async def serving() -> AsyncIterator[UserService]:
    found = UserService()
    app = web.Application()
    app.router.add_get("/internal/users/{user_id}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def never_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "FRESH_SECONDS", 0.0)


async def test_the_call_is_signed_for_its_method_and_path(service: UserService) -> None:
    async with UserClient(service.url, SECRET) as client:
        assert await client.get_user(17) == User(user_id=17, nickname="m17")
    [request] = service.asked
    assert verify(SECRET, request.headers[HEADER], "GET", "/internal/users/17")
    assert not verify(SECRET, request.headers[HEADER], "GET", "/internal/users/18")


async def test_a_fresh_answer_is_not_asked_for_again(service: UserService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "FRESH_SECONDS", 60.0)
    async with UserClient(service.url, SECRET) as client:
        for _ in range(5):
            assert await client.get_user(17) == User(user_id=17, nickname="m17")
    assert len(service.asked) == 1


async def test_a_member_who_is_not_there_is_an_answer(service: UserService) -> None:
    service.status = 404
    async with UserClient(service.url, SECRET) as client:
        for _ in range(10):
            assert await client.get_user(17) is None
        assert client.breaker.state == "closed"


@pytest.mark.parametrize("status", [500, 503, 401, 302])
async def test_the_last_known_answer_stands_in_and_the_circuit_opens(service: UserService, status: int) -> None:
    async with UserClient(service.url, SECRET) as client:
        known = await client.get_user(17)
        service.status = status
        for _ in range(10):
            assert await client.get_user(17) == known
            assert await client.get_user(18) is None
        assert client.breaker.state == "open"
        assert len(service.asked) == 1 + 5
        service.status = 200
        client.breaker._pause = 0.0
        assert await client.get_user(18) == User(user_id=18, nickname="m18")
        assert client.breaker.allow()


async def test_a_service_that_hangs_is_not_waited_for(service: UserService) -> None:
    service.go.clear()
    async with UserClient(service.url, SECRET, timeout=0.1) as client:
        async with asyncio.timeout(1):
            assert await client.get_user(17) is None
        assert len(service.asked) == 1
    service.go.set()


async def test_so_many_answers_are_remembered_and_no_more(
    service: UserService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "KEPT", 3)
    async with UserClient(service.url, SECRET) as client:
        for number in (1, 2, 3, 1, 4):
            await client.get_user(number)
        assert set(client._known) == {3, 1, 4}


async def test_a_meeting_shows_its_host_as_the_user_service_knows_them(
    client: aiohttp.ClientSession, settings: Settings
) -> None:
    async with connected(settings.db_url("meeting")) as database:
        meeting = await open_meetings(database, 1)
    async with connected(settings.db_url("user")) as database:
        await database.change(
            "INSERT INTO users (user_id, email, nickname, password_hash, location, role, trust_score, follower_count,"
            " following_count, created_at) VALUES (1, 'host@momo.test', 'renamed', '', '', 'member', 50, 0, 0, NOW())"
        )
    try:
        async with client.get(f"/api/v2/meetings/{meeting}") as answer:
            assert (answer.status, (await answer.json())["hostNickname"]) == (200, "renamed")
    finally:
        async with connected(settings.db_url("user")) as database:
            await database.change("DELETE FROM users WHERE user_id = 1")


async def test_a_meeting_shows_its_host_as_they_were_where_the_user_service_is_away(
    settings: Settings, unused_tcp_port: int
) -> None:
    async with connected(settings.db_url("meeting")) as database:
        meeting = await open_meetings(database, 1)
    away = replace(settings, user_url=f"http://127.0.0.1:{unused_tcp_port}")
    async with running(away) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as stranger:
        for _ in range(6):
            async with stranger.get(f"/api/v2/meetings/{meeting}") as answer:
                assert (answer.status, (await answer.json())["hostNickname"]) == (200, "host")
        async with stranger.get("/metrics") as answer:
            text = await answer.text()
    assert 'momo_breaker_state{breaker="user-service",state="open"} 1.0' in text
