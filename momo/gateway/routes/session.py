"""Logging in and out, and new access tokens."""

from __future__ import annotations

import logging
from typing import Annotated

from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from msgspec import Meta
from redis.exceptions import RedisError

from momo.gateway import sessions
from momo.gateway.bodies import Body
from momo.gateway.documented import content
from momo.gateway.limits import LOGIN
from momo.gateway.problems import problem, unavailable
from momo.gateway.routes.given import Incoming, Using, Who
from momo.gateway.tokens import LIFETIME_SECONDS, SIGNED_IN, Member
from momo.queries import user as queries

logger = logging.getLogger(__name__)


class Credentials(Body, frozen=True, kw_only=True):
    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=128)]


class Granted(Body, frozen=True, kw_only=True):
    """An access token, valid for `expires_in` seconds."""

    access_token: str
    expires_in: int
    user_id: int
    nickname: str


@post("/login", status_code=200)
async def login(request: Incoming, data: JSONBody[Credentials], resources: Using) -> Response[Granted]:
    """An access token, and a refresh token in a cookie. While sessions can't be kept there is no cookie."""
    email = data.email.strip().lower()
    headers = await resources.limits.take(LOGIN, email)
    found = await queries.credentials(resources.databases["user"], email)
    if not await resources.passwords.matches(data.password, found.password_hash if found else None) or found is None:
        raise problem(
            "wrong-credentials", "E-mail or password is wrong", 401, headers={**headers, "WWW-Authenticate": "Bearer"}
        )
    try:
        token = await resources.sessions.begin(found.user_id)
    except RedisError as error:
        logger.warning("a log-in has no refresh token: %s", error)
        token = ""
    member = Member(
        member_id=found.user_id, nickname=found.nickname, role=found.role, session=sessions.family_of(token)
    )
    cookies = [sessions.cookie(request, token)] if token else []
    return _granted(resources, member, cookies, headers)


@post("/token", status_code=200)
async def renew(request: Incoming, resources: Using) -> Response[Granted]:
    """A new access token for the cookie's refresh token, which is replaced. Used twice, it ends the session."""
    token = request.cookies.get(sessions.COOKIE, "")
    if not token:
        raise problem("refresh-token-missing", "A refresh token is needed", 401, "Log in again.")
    try:
        user_id, following = await resources.sessions.rotate(token)
    except RedisError as error:
        raise unavailable("The session store") from error
    found = await queries.own_profile(resources.databases["user"], user_id)
    if found is None:
        raise problem("refresh-token-unknown", "The refresh token is not valid", 401, "Log in again.")
    member = Member(member_id=user_id, nickname=found.nickname, role=found.role, session=sessions.family_of(following))
    return _granted(resources, member, [sessions.cookie(request, following)], {})


@post("/logout", status_code=204, responses=content(None, "The session is over.", 204), **SIGNED_IN)
async def logout(request: Incoming, member: Who, resources: Using) -> Response[None]:
    """Ends the session: its refresh token is worth nothing any more. The access token lasts its ten minutes."""
    try:
        await resources.sessions.end(member.session)
    except RedisError as error:
        raise unavailable("The session store") from error
    return Response(None, status_code=204, cookies=[sessions.cookie(request, "")])


def _granted(
    resources: Using,
    member: Who,
    cookies: list[Cookie],
    headers: dict[str, str],
) -> Response[Granted]:
    granted = Granted(
        access_token=resources.tokens.sign(member),
        expires_in=LIFETIME_SECONDS,
        user_id=member.member_id,
        nickname=member.nickname,
    )
    return Response(granted, status_code=200, cookies=cookies, headers={**headers, "Cache-Control": "no-store"})


HANDLERS = [login, renew, logout]
