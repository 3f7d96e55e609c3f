"""Calls between services: the `WebclientInternal` header, an HMAC of method, path and time that lasts five minutes."""

from __future__ import annotations

import hmac
import time
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from momo.gateway.problems import problem

HEADER = "WebclientInternal"
LIFETIME_SECONDS = 300


def internal_secret(token_secret: str) -> bytes:
    """The key of internal calls, derived from `token_secret` so that neither signs for the other."""
    return hmac.digest(token_secret.encode(), b"momo internal calls", "sha256")


def sign(secret: bytes, method: str, path: str, *, now: float | None = None) -> str:
    """The header's value for one call: `t=<Unix seconds>,v1=<hex>`. `path` without the query."""
    moment = int(time.time() if now is None else now)
    return f"t={moment},v1={_mac(secret, method, path, moment)}"


def verify(secret: bytes, value: str, method: str, path: str, *, now: float | None = None) -> bool:
    """Whether `value` was signed for this call within the last five minutes (or the next: clocks differ)."""
    stamp, _, mac = value.partition(",v1=")
    if not stamp.startswith("t=") or not stamp[2:].isascii() or not stamp[2:].isdigit() or len(stamp) > 14:
        return False
    moment = int(stamp[2:])
    fresh = abs((time.time() if now is None else now) - moment) <= LIFETIME_SECONDS
    return fresh and hmac.compare_digest(mac.encode(), _mac(secret, method, path, moment).encode())


async def internal_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: routes under /internal take nothing but the header."""
    secret: bytes = connection.app.state.resources.internal_secret
    scope: Any = connection.scope
    if not verify(secret, connection.headers.get(HEADER.lower(), ""), scope["method"], scope["path"]):
        raise problem(
            "internal-only",
            "Internal calls only",
            401,
            f"Send the header {HEADER}, signed for this method and path within the last five minutes.",
            headers={"WWW-Authenticate": HEADER},
        )


def _mac(secret: bytes, method: str, path: str, moment: int) -> str:
    return hmac.digest(secret, f"{method.upper()}\n{path}\n{moment}".encode(), "sha256").hex()
