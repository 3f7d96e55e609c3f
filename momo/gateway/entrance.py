"""The entrance of a gateway: so many requests at once and no more, and none that stays while the process stops."""

from __future__ import annotations

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from contracts.outcome import Problem
from momo.gateway.problems import RETRY_AFTER_SECONDS, on_the_wire

MOST = 4_000
"""Requests under way at once. All that requests hold is bounded by it: bodies, gathering publishes, reads, waits."""
ALWAYS = ("/health/", "/metrics")
"""What is answered however full the house is."""

_FULL = msgspec.json.encode(
    on_the_wire(
        Problem(
            type="overloaded",
            title="Too many requests are under way",
            status=503,
            detail="Nothing was done: send the same request again, with the same Idempotency-Key.",
        )
    )
)
_HEADERS = [
    (b"content-type", b"application/problem+json"),
    (b"content-length", str(len(_FULL)).encode()),
    (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
]


class Entrance:
    """Counts HTTP requests in and out. While `closing`, each answer asks its client to connect anew, elsewhere."""

    def __init__(self, most: int = MOST) -> None:
        self.under_way = 0
        self.closing = False
        self._most = most

    def middleware(self, app: ASGIApp) -> ASGIApp:
        async def entering(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            if self.under_way >= self._most and not scope["path"].startswith(ALWAYS):
                await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
                await send({"type": "http.response.body", "body": _FULL, "more_body": False})
                return

            async def leaving(message: Message) -> None:
                if self.closing and message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                await send(message)

            self.under_way += 1
            try:
                await app(scope, receive, leaving)
            finally:
                self.under_way -= 1

        return entering
