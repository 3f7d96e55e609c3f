"""Access tokens: what proves nothing is refused, with what is wrong with it."""

from __future__ import annotations

import time

import aiohttp
import jwt
import pytest

from momo.settings import Settings
from tests.gateway.test_bad_input import problem_of


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (None, "token-missing"),
        ("Basic abc", "token-malformed"),
        ("Bearer", "token-malformed"),
        ("Bearer garbage", "token-malformed"),
        ("Bearer a.b.c", "token-malformed"),
        ("expired", "token-expired"),
        ("forged", "token-malformed"),
        ("unsigned", "token-malformed"),
        ("subject", "token-malformed"),
        ("audience", "token-malformed"),
        ("from tomorrow", "token-malformed"),
        ("for later", "token-malformed"),
        ("other algorithm", "token-malformed"),
        ("no expiry", "token-malformed"),
        ("another payload", "token-malformed"),
    ],
)
async def test_token_that_proves_nothing_is_refused_before_the_body_is_read(
    client: aiohttp.ClientSession, settings: Settings, header: str | None, kind: str
) -> None:
    now = int(time.time())
    claims = {"sub": "17", "aud": "momo", "iat": now, "exp": now + 60}
    made = {
        "expired": lambda: jwt.encode({**claims, "exp": now - 1}, settings.token_secret),
        "forged": lambda: jwt.encode(claims, "another secret that is long enough, certainly"),
        "unsigned": lambda: jwt.encode(claims, None, algorithm="none"),
        "subject": lambda: jwt.encode({**claims, "sub": "everybody"}, settings.token_secret),
        "audience": lambda: jwt.encode({**claims, "aud": "others"}, settings.token_secret),
        "from tomorrow": lambda: jwt.encode({**claims, "iat": now + 86_400}, settings.token_secret),
        "for later": lambda: jwt.encode({**claims, "nbf": now + 30}, settings.token_secret),
        "other algorithm": lambda: jwt.encode(claims, settings.token_secret * 2, algorithm="HS512"),
        "no expiry": lambda: jwt.encode({"sub": "17", "aud": "momo", "iat": now}, settings.token_secret),
        "another payload": lambda: ".".join(
            one if part != 1 else other
            for part, (one, other) in enumerate(
                zip(
                    jwt.encode(claims, settings.token_secret).split("."),
                    jwt.encode({**claims, "sub": "18"}, settings.token_secret).split("."),
                    strict=True,
                )
            )
        ),
    }
    value = f"Bearer {made[header]()}" if header in made else header
    headers = {"Authorization": value} if value else {}
    async with client.post("/api/v2/meetings", data=b"{", headers=headers) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (401, f"/problems/{kind}")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("value", ["Bearer é", "Bearer \x80.\x80.\x80", "Bearer " + "a" * 5000])
async def test_token_of_strange_bytes_is_malformed(client: aiohttp.ClientSession, value: str) -> None:
    async with client.get("/api/v2/users/me", headers={"Authorization": value}) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (401, "/problems/token-malformed")
