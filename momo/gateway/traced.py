"""Requests as spans: the beginning of most traces, or the continuation of the caller's."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from momo.telemetry import tracing


def traced(app: ASGIApp) -> ASGIApp:
    """`app` with a span a request, where this process traces. It is called by its route: an address may hold a secret,
    as that of a calendar does."""
    spans = tracing.spans
    if spans is None:
        return app

    async def tracing_request(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(("/health/", "/metrics")):
            await app(scope, receive, send)
            return
        status = 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")
        with spans.request(scope["method"], given) as span:
            try:
                await app(scope, receive, watching)
            finally:
                spans.answered(span, scope["method"], scope.get("path_template") or "unrouted", status)

    return tracing_request
