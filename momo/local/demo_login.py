"""The members that `momo up` registers, so that a newcomer can log in at once, to the API and to the console."""

from __future__ import annotations

import aiohttp
import msgspec

from momo.store.connection import connected
from momo.store.errors import StoreError
from momo.store.literal import literal


class Login(msgspec.Struct, frozen=True):
    """An account that exists on private instances only: its password is published on purpose."""

    email: str
    password: str
    nickname: str

    def __str__(self) -> str:
        return f"{self.email} / {self.password}"


DEMO = Login("demo@momo.test", "momo-demo-1234", "demo")
ADMIN = Login("admin@momo.test", "momo-admin-1234", "admin")


async def register(gateway: str, login: Login = DEMO) -> str | None:
    """Register the member through the gateway; None when it exists now, else one line that says why not."""
    member = {"email": login.email, "nickname": login.nickname, "password": login.password}
    headers = {"Idempotency-Key": f"momo-{login.nickname}-login", "Prefer": "wait=10"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as session,
            session.post(f"{gateway}/api/v2/users", json=member, headers=headers) as response,
        ):
            if response.status < 400 or response.status == 409:  # 409: registered before
                return None
            return f"not registered: {response.status} {(await response.text())[:200]}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"not registered: {error or 'no answer within 15 s'}"


async def promote(user_db_url: str, login: Login = ADMIN) -> str | None:
    """Make the member an admin, which no route does; None when it is one now, else one line that says why not."""
    try:
        async with connected(user_db_url) as database:
            await database.change(f"UPDATE users SET role = 'admin' WHERE email = {literal(login.email)}")
    except StoreError as error:
        return f"no admin: {error}"
    return None
