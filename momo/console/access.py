"""Who may use the console: admins, by an access token, or in the browser by a pass in a cookie no script can read."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from momo.gateway.problems import ProblemError, problem
from momo.gateway.tokens import Member, bearer

COOKIE = "momo_console"
PATH = "/console"
LIFETIME_SECONDS = 600
"""A pass is renewed while the console is open; each time the user database is asked whether its owner is an admin."""
LONGEST_SECONDS = 12 * 3600
"""After so long an operator logs in again, however busy."""
_AUDIENCE = "momo-console"
_ALGORITHM = "HS256"
_SAFE = ("GET", "HEAD", "OPTIONS")


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """An admin who logged in at `since`; valid until `expires` (both Unix seconds)."""

    member: Member
    since: int
    expires: int


class Passes:
    """Signs and reads passes with a key of their own: a pass is no access token, and the other way round."""

    def __init__(self, token_secret: str) -> None:
        key = hmac.digest(token_secret.encode(), b"momo console passes", "sha256")
        encoded = urlsafe_b64encode(key).rstrip(b"=").decode()
        self._key = jwt.PyJWK.from_dict({"kty": "oct", "alg": _ALGORITHM, "k": encoded})

    def sign(self, member: Member, since: int | None = None) -> str:
        """A pass for ten minutes from now; `since` is the log-in's moment where it is a renewal."""
        now = int(time.time())
        since = now if since is None else since
        claims = {
            "sub": str(member.member_id),
            "nickname": member.nickname,
            "role": member.role,
            "since": since,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": min(now + LIFETIME_SECONDS, since + LONGEST_SECONDS),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Pass:
        """Raises a 401 problem where `token` is no pass, or no longer."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["sub", "aud", "iat", "exp", "since"]},
            )
            member = Member(
                member_id=int(claims["sub"]), nickname=str(claims["nickname"]), role=str(claims.get("role", ""))
            )
            return Pass(member=member, since=int(claims["since"]), expires=int(claims["exp"]))
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise logged_out() from error


def logged_out() -> ProblemError:
    return problem("console-login-needed", "Log in to the console", 401, "The session is over, or never began.")


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


def admitted(member: Member) -> Member:
    """`member`, where they are an admin. Raises a 403 problem."""
    if member.role != "admin":
        raise problem("admins-only", "Admins only", 403, "Your account has no part in operating MOMO.")
    return member


async def admin(request: Request[Any, Any, Any]) -> None:
    """Turns everybody but admins away before the body is read: sets the request's user to the Member.

    A browser sends the cookie by itself, so an act with it must come from a page of this very origin.
    """
    resources = request.app.state.resources
    if "authorization" in request.headers:
        request.scope["user"] = admitted(resources.tokens.read(bearer(request)))
        return
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise logged_out()
    shown = resources.console.passes.read(token)
    request.scope["user"] = admitted(shown.member)
    request.scope["auth"] = shown
    if request.method not in _SAFE:
        same_origin(request)


def same_origin(request: Request[Any, Any, Any]) -> None:
    """Raises a 403 problem where the request was sent by another site's page, as far as its browser tells."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin", "")
    ours = site == "same-origin" if site else urlsplit(origin).netloc == request.headers.get("host", "")
    if not ours:
        raise problem("foreign-origin", "Not from here", 403, "An act must come from the console's own page.")


ADMIN: dict[str, Any] = {"before_request": admin}
"""What a route says that is for admins: `@get("/sagas", **ADMIN)`."""


def operator(member: Member) -> str:
    """How the audit names `member`."""
    return f"{member.nickname} (member:{member.member_id})"
