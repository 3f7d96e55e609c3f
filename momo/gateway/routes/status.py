"""Health and metrics."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get

from momo.gateway.documented import content
from momo.gateway.routes.given import Using


@get("/health/live")
async def live() -> dict[str, str]:
    """The process runs."""
    return {"status": "alive"}


@get("/health/ready", responses=content(dict[str, Any], "Not ready.", 503))
async def ready(resources: Using) -> Response[dict[str, Any]]:
    """200 where a command sent now would be carried out, else 503; how each dependency stands."""
    return Response(resources.health.report(), status_code=200 if resources.health.ready else 503)


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], resources: Using) -> Response[bytes]:
    text, content_type = resources.metrics.exposed(request.headers.get("accept", ""))
    return Response(text, media_type=content_type)


def router() -> Router:
    return Router("/", route_handlers=[live, ready, metrics], tags=["status"])
