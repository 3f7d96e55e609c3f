"""Logging in, refresh tokens and log-in limits."""

from __future__ import annotations

import uuid
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from momo.gateway.passwords import Passwords

PASSWORD = "correct horse"


@pytest_asyncio.fixture(loop_scope="session")
async def person(database: Any) -> dict[str, Any]:
    """A registered member."""
    user_id, name = uuid.uuid4().int % 2**50, uuid.uuid4().hex[:12]
    passwords = Passwords()
    try:
        hashed = await passwords.hash(PASSWORD)
    finally:
        passwords.close()
    async with database("user") as connection:
        await connection.change(
            "INSERT INTO users VALUES (%s, %s, %s, %s, 'member', '서울', 0, 0, 50, UTC_TIMESTAMP(6), NULL)",
            user_id, f"{name}@momo.test", name, hashed,
        )  # fmt: skip
    return {"user_id": user_id, "email": f"{name}@momo.test", "nickname": name}


async def login(client: aiohttp.ClientSession, email: str, password: str = PASSWORD) -> aiohttp.ClientResponse:
    return await client.post("/api/v2/users/login", json={"email": email, "password": password})


async def renew(client: aiohttp.ClientSession, cookie: str) -> aiohttp.ClientResponse:
    return await client.post("/api/v2/users/token", headers={"Cookie": f"momo_refresh={cookie}"})


async def test_member_logs_in_and_sees_themselves(client: aiohttp.ClientSession, person: dict[str, Any]) -> None:
    answer = await login(client, person["email"].upper())
    granted = await answer.json()
    assert (answer.status, granted["userId"], granted["expiresIn"]) == (200, person["user_id"], 600)
    cookie = answer.cookies["momo_refresh"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["samesite"].lower()) == ("/api/v2/users/token", "strict")
    headers = {"Authorization": f"Bearer {granted['accessToken']}"}
    async with client.get("/api/v2/users/me", headers=headers) as mine:
        assert (await mine.json())["email"] == person["email"]
    async with client.get(f"/api/v2/users/{person['user_id']}", headers=headers) as seen:
        assert {"email", "location"}.isdisjoint(await seen.json())


@pytest.mark.parametrize("email", [None, "nobody@momo.test"])
async def test_wrong_credentials_are_told_alike(
    client: aiohttp.ClientSession, person: dict[str, Any], email: str | None
) -> None:
    answer = await login(client, email or person["email"], "wrong horse")
    assert (answer.status, (await answer.json())["type"]) == (401, "/problems/wrong-credentials")


async def test_refresh_token_is_replaced_each_time(client: aiohttp.ClientSession, person: dict[str, Any]) -> None:
    cookie = (await login(client, person["email"])).cookies["momo_refresh"].value
    for _ in range(3):
        answer = await renew(client, cookie)
        assert answer.status == 200
        following = answer.cookies["momo_refresh"].value
        assert following != cookie
        cookie = following


async def test_refresh_token_used_twice_ends_the_whole_family(
    client: aiohttp.ClientSession, person: dict[str, Any]
) -> None:
    stolen = (await login(client, person["email"])).cookies["momo_refresh"].value
    newest = (await renew(client, stolen)).cookies["momo_refresh"].value
    again = await renew(client, stolen)
    assert (again.status, (await again.json())["type"]) == (401, "/problems/refresh-token-reused")
    assert (await renew(client, newest)).status == 401


async def test_log_out_ends_the_session(client: aiohttp.ClientSession, person: dict[str, Any]) -> None:
    answer = await login(client, person["email"])
    headers = {"Authorization": f"Bearer {(await answer.json())['accessToken']}"}
    out = await client.post("/api/v2/users/logout", headers=headers)
    assert out.status == 204
    assert (await renew(client, answer.cookies["momo_refresh"].value)).status == 401


@pytest.mark.parametrize("cookie", ["", "garbage", "a.b", "x" * 3000])
async def test_refresh_token_that_is_none_is_refused(client: aiohttp.ClientSession, cookie: str) -> None:
    answer = await renew(client, cookie)
    assert (answer.status, answer.content_type) == (401, "application/problem+json")


async def test_withdrawn_member_gets_no_new_token(
    client: aiohttp.ClientSession, person: dict[str, Any], database: Any
) -> None:
    cookie = (await login(client, person["email"])).cookies["momo_refresh"].value
    async with database("user") as connection:
        await connection.change(
            "UPDATE users SET withdrawn_at = UTC_TIMESTAMP(6) WHERE user_id = %s", person["user_id"]
        )
    assert (await renew(client, cookie)).status == 401
    assert (await login(client, person["email"])).status == 401


async def test_guessing_a_password_is_slowed_down_for_that_address_alone(
    client: aiohttp.ClientSession, person: dict[str, Any]
) -> None:
    victim = f"{uuid.uuid4().hex}@momo.test"
    answers = [await login(client, victim, "guess") for _ in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    assert answers[0].headers["RateLimit"].startswith('"login";r=9')
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert (await login(client, person["email"])).status == 200
