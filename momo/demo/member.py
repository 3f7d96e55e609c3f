"""A member of the demo: an account, a token that is renewed in time, and an open WebSocket."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import Any

import msgspec

from contracts.user import RegisteredUser
from momo.demo.client import Client, UnexpectedError, shaped
from momo.demo.stream import Stream

PASSWORD = "demo-day-1234"  # noqa: S105 - the account exists for one run
RENEW_SECONDS = 120.0
"""A token is renewed when it has less than this left."""


class Granted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to logging in."""

    access_token: str
    expires_in: int


class Member:
    """`member_id` is known once `register` has returned."""

    def __init__(self, client: Client, run: str, number: int) -> None:
        self.nickname = f"모모{run}{number}"
        self.member_id = 0
        self.stream = Stream(client.session, self.nickname, self.token)
        self._client = client
        self._email = f"member{number}.{run}@demo.momo.test"
        self._token = ""
        self._token_ends = 0.0
        self._renewing = asyncio.Lock()

    async def register(self) -> None:
        """Opens the account, logs in and listens."""
        account = {"email": self._email, "nickname": self.nickname, "password": PASSWORD}
        result = await self._client.command("register", "POST", "/api/v2/users", account)
        self.member_id = shaped(result, RegisteredUser).user_id
        await self.stream.start()

    async def token(self) -> str:
        """An access token that is still good for a while; logs in where there is none."""
        async with self._renewing:
            if time.monotonic() > self._token_ends - RENEW_SECONDS:
                answer = await self._client.post("/api/v2/users/login", {"email": self._email, "password": PASSWORD})
                if answer.status != HTTPStatus.OK:
                    raise UnexpectedError(f"{self.nickname} can't log in: {answer.status} {answer.body}")
                granted = shaped(answer.body, Granted)
                self._token, self._token_ends = granted.access_token, time.monotonic() + granted.expires_in
        return self._token

    async def command(self, what: str, method: str, path: str, body: Any = None) -> Any:
        """The result of an accepted command of this member's. Raises UnexpectedError."""
        return await self._client.command(what, method, path, body, token=await self.token())

    async def read(self, path: str, **params: str) -> Any:
        """What is at `path`, or None where there is nothing (404). Raises UnexpectedError."""
        answer = await self._client.get(path, token=await self.token(), **params)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise UnexpectedError(f"GET {path} was answered {answer.status}: {answer.body}")
        return answer.body
