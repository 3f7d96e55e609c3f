"""Logging in to the console, staying in, and out."""

from __future__ import annotations

import time

import msgspec
from litestar import Response, delete, get, post
from litestar.params import JSONBody

from momo.console.access import ADMIN, Pass, admitted, cookie, logged_out, same_origin
from momo.gateway.limits import LOGIN
from momo.gateway.problems import problem
from momo.gateway.routes.given import Incoming, Using, Who
from momo.gateway.routes.session import Credentials
from momo.gateway.tokens import Member
from momo.queries import user as queries


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is logged in, and for how many seconds unless renewed."""

    user_id: int
    nickname: str
    expires_in: int


@post("/session", status_code=200)
async def log_in(request: Incoming, data: JSONBody[Credentials], resources: Using) -> Response[Session]:
    """Puts a pass into a cookie that no script can read and no other site can send. It works with Redis away."""
    same_origin(request)
    email = data.email.strip().lower()
    headers = await resources.limits.take(LOGIN, email)
    found = await queries.credentials(resources.databases["user"], email)
    if not await resources.passwords.matches(data.password, found.password_hash if found else None) or found is None:
        raise problem("wrong-credentials", "E-mail or password is wrong", 401, headers=headers)
    member = admitted(Member(member_id=found.user_id, nickname=found.nickname, role=found.role))
    return _let_in(request, resources, member, None)


@get("/session", **ADMIN)
async def renew(request: Incoming, member: Who, resources: Using) -> Response[Session]:
    """Who I am. A pass is renewed by it, if its owner still is an admin; a log-in lasts twelve hours at most."""
    shown = request.scope.get("auth")
    if not isinstance(shown, Pass):
        return Response(Session(user_id=member.member_id, nickname=member.nickname, expires_in=0))
    found = await queries.own_profile(resources.databases["user"], member.member_id)
    if found is None:
        raise logged_out()
    known = admitted(Member(member_id=found.user_id, nickname=found.nickname, role=found.role))
    return _let_in(request, resources, known, shown.since)


@delete("/session", status_code=204)
async def log_out(request: Incoming) -> Response[None]:
    """Takes the cookie away."""
    same_origin(request)
    return Response(None, status_code=204, cookies=[cookie(request, "")])


def _let_in(request: Incoming, resources: Using, member: Member, since: int | None) -> Response[Session]:
    token = resources.console.passes.sign(member, since)
    left = resources.console.passes.read(token).expires - int(time.time())
    return Response(
        Session(user_id=member.member_id, nickname=member.nickname, expires_in=left),
        cookies=[cookie(request, token)],
        headers={"Cache-Control": "no-store"},
    )


HANDLERS = [log_in, renew, log_out]
