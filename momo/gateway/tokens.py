"""Access tokens: JWTs (HS256) that say who a member is for ten minutes."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency

from momo.gateway.problems import ProblemError, problem

LIFETIME_SECONDS = 600
KEPT = 20_000
"""Verified tokens that a process remembers, until they expire."""
_AUDIENCE = "momo"
_ALGORITHM = "HS256"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `session` names the family of refresh tokens, empty where there is none."""

    member_id: int
    nickname: str
    role: str
    session: str = ""

    @property
    def sender(self) -> str:
        return f"member:{self.member_id}"


ANONYMOUS = "anonymous"
"""The sender of a command that needs no token."""


class Tokens:
    """Signs and checks access tokens with `secret`."""

    def __init__(self, secret: str) -> None:
        # as a JWK: a bare secret would be examined at each token, which takes longer than the signature
        encoded = urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()
        self._key = jwt.PyJWK.from_dict({"kty": "oct", "alg": _ALGORITHM, "k": encoded})
        # a member's requests carry the same token for minutes, and checking it takes as long as all else about them
        self._known: dict[str, tuple[Member, float]] = {}

    def sign(self, member: Member) -> str:
        now = int(time.time())
        claims = {
            "sub": str(member.member_id),
            "nickname": member.nickname,
            "role": member.role,
            "sid": member.session,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Member:
        """The member of `token`. Raises a 401 problem: `token-expired` or `token-malformed`."""
        known = self._known.get(token)
        if known is None:
            known = self._verified(token)
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[token] = known
        member, expires = known
        if expires <= time.time():
            raise _expired()
        return member

    def _verified(self, token: str) -> tuple[Member, float]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["sub", "aud", "iat", "exp"]},
            )
            member = msgspec.convert(
                {
                    "member_id": int(claims["sub"]),
                    "nickname": claims.get("nickname", ""),
                    "role": claims.get("role", "member"),
                    "session": claims.get("sid", ""),
                },
                Member,
            )
        except jwt.ExpiredSignatureError as error:
            raise _expired() from error
        except (jwt.InvalidTokenError, ValueError) as error:  # msgspec's errors are such, too
            raise _refused(
                "token-malformed", "The access token is not valid", "It was not signed by MOMO, or is damaged."
            ) from error
        return member, float(claims["exp"])


def _expired() -> ProblemError:
    return _refused(
        "token-expired",
        "The access token has expired",
        "Get a new one from POST /api/v2/users/token or log in.",
    )


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The token of the Authorization header. Raises a 401 problem: `token-missing` or `token-malformed`."""
    value = connection.headers.get("authorization", "")
    if not value:
        raise _refused(
            "token-missing", "An access token is needed", "Send the header `Authorization: Bearer <access token>`."
        )
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _refused(
            "token-malformed", "The Authorization header is malformed", "It should read `Bearer <access token>`."
        )
    return token.strip()


async def signed_in(request: Request[Any, Any, Any]) -> None:
    """Turns a stranger away before the body is read: sets the request's user to the Member."""
    tokens: Tokens = request.app.state.resources.tokens
    request.scope["user"] = tokens.read(bearer(request))


# not a guard: for each of those the framework copies the whole route handler at each request
SIGNED_IN: dict[str, Any] = {"before_request": signed_in, "security": [{"bearer": []}]}
"""What a route says that wants a member: `@get("/me", **SIGNED_IN)`."""


def current_member(request: Request[Any, Any, Any], resources: NamedDependency[Any]) -> Member:  # noqa: ARG001 - see below
    """The Member whom `signed_in` has found."""
    # it asks for `resources` to come after them: two dependencies of equal rank are each given a task of their own
    member: Member = request.scope["user"]
    return member


def _refused(kind: str, title: str, detail: str) -> ProblemError:
    error = "" if kind == "token-missing" else f', error="invalid_token", error_description="{title}"'
    return problem(kind, title, 401, detail, headers={"WWW-Authenticate": f'Bearer realm="momo"{error}'})
