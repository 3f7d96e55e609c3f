"""The client of the user service: what other services ask it over HTTP, signed, timed out, behind a circuit breaker."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from momo.breaker import Breaker, BreakerOpen
from momo.gateway.internal import HEADER, sign

logger = logging.getLogger(__name__)

FRESH_SECONDS = 30.0
"""An answer that is younger is not asked for again."""
KEPT = 10_000
"""Answers that a process remembers."""


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member as the other services know them; of one who has withdrawn, the anonymous nickname."""

    user_id: int
    nickname: str


class UserServiceDown(Exception):
    """No answer, or none that a user service in order gives."""


class _Known(msgspec.Struct):
    user: User | None
    asked_at: float


class UserClient:
    """An async context manager. `timeout` (seconds) bounds one request, `concurrency` how many are under way."""

    def __init__(self, base_url: str, secret: bytes, *, timeout: float = 1.0, concurrency: int = 32) -> None:
        self.breaker = Breaker("user-service", counted=(UserServiceDown,))
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None
        self._known: dict[int, _Known] = {}

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._concurrency)
        self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get_user(self, user_id: int) -> User | None:
        """The member, or None where there is none. While the user service is away: the last known answer, else None."""
        known = self._known.get(user_id)
        now = time.monotonic()
        if known is not None:
            if now - known.asked_at < FRESH_SECONDS:
                return known.user
            known.asked_at = now  # while one asks, the others make do with what is known
        try:
            async with self.breaker:
                user = await self._ask(user_id)
        except (BreakerOpen, UserServiceDown) as error:
            logger.info("user %d is answered from memory: %s", user_id, error)
            return known.user if known is not None else None
        self._known.pop(user_id, None)
        self._known[user_id] = _Known(user, now)
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return user

    async def _ask(self, user_id: int) -> User | None:
        if self._session is None:
            raise RuntimeError("UserClient is used outside its `async with`")
        path = f"/internal/users/{user_id}"
        headers = {HEADER: sign(self._secret, "GET", path)}
        try:
            async with self._session.get(self._base_url + path, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UserServiceDown(f"GET {path}: {type(error).__name__} {error}") from error
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise UserServiceDown(f"GET {path}: {answer.status}")
        try:
            return msgspec.json.decode(content, type=User)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserServiceDown(f"GET {path}: {error}") from error
