"""Refresh tokens: each is used once; one used twice ends the whole family that descends from a log-in."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, cast

from litestar import Request
from litestar.datastructures import Cookie
from redis.asyncio import Redis

from momo.gateway.problems import problem

LIFETIME_SECONDS = 24 * 3600
COOKIE = "momo_refresh"
PATH = "/api/v2/users/token"

# KEYS[1] the family; ARGV: digest of the token shown, digest of the next one, lifetime in seconds
_ROTATE = """
local current = redis.call('HGET', KEYS[1], 'token')
if not current then return {'unknown', ''} end
if current ~= ARGV[1] then redis.call('DEL', KEYS[1]) return {'reused', ''} end
redis.call('HSET', KEYS[1], 'token', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'rotated', redis.call('HGET', KEYS[1], 'member')}
"""


class Sessions:
    """Families of refresh tokens, kept in Redis. A token is `<family>.<secret>`; only its digest is stored.

    Every method raises redis.RedisError while Redis is away.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._rotate = redis.register_script(_ROTATE)

    async def begin(self, member_id: int) -> str:
        """The first refresh token of a new family."""
        family, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_key(family), mapping={"token": _digest(secret), "member": member_id})
            pipe.expire(_key(family), LIFETIME_SECONDS)
            await pipe.execute()
        return f"{family}.{secret}"

    async def rotate(self, token: str) -> tuple[int, str]:
        """The member's id and the next token. Raises a 401 problem where `token` is unknown, expired or used."""
        family, _, secret = token.partition(".")
        following = secrets.token_urlsafe(32)
        answer = await self._rotate(keys=[_key(family)], args=[_digest(secret), _digest(following), LIFETIME_SECONDS])
        verdict, member = cast("list[bytes]", answer)
        if verdict == b"reused":
            raise problem(
                "refresh-token-reused",
                "The refresh token was used before",
                401,
                "Every session that began with this log-in has been ended. Log in again.",
            )
        if verdict != b"rotated":
            raise problem("refresh-token-unknown", "The refresh token is not valid", 401, "Log in again.")
        return int(member), f"{family}.{following}"

    async def end(self, family: str) -> None:
        if family:
            await self._redis.delete(_key(family))


def family_of(token: str) -> str:
    return token.partition(".")[0]


def cookie(request: Request[Any, Any, Any], token: str) -> Cookie:
    """The cookie that carries `token`; an empty one takes it away."""
    return Cookie(
        key=COOKIE,
        value=token,
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=LIFETIME_SECONDS if token else 0,
    )


def _key(family: str) -> str:
    return f"session:{family[:64]}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
