"""The list of categories."""

from __future__ import annotations

import hashlib

import msgspec
from litestar import Response, Router, get

from momo.gateway.documented import content
from momo.gateway.routes.given import Incoming, Using
from momo.queries import category as queries

CACHE_SECONDS = 60


class CategoryList(msgspec.Struct, frozen=True):
    items: list[queries.Category]


@get("/", responses=content(CategoryList, "All of them.") | content(None, "As the ETag says.", 304))
async def categories(request: Incoming, resources: Using) -> Response[bytes]:
    """All categories in order. Answers 304 where If-None-Match names the current ETag."""
    found = await queries.categories(resources.databases["category"])
    body = msgspec.json.encode(CategoryList(found))
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={CACHE_SECONDS}"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def router() -> Router:
    return Router("/api/v2/categories", route_handlers=[categories], tags=["categories"])
