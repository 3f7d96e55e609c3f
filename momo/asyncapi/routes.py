"""`/console/asyncapi`: the document as a page and as JSON, for admins as the rest of the console."""

from __future__ import annotations

import hashlib
from functools import cache

import msgspec
from litestar import MediaType, Response, get

from momo.asyncapi.document import document
from momo.asyncapi.page import page
from momo.console.access import ADMIN
from momo.console.pages import HEADERS
from momo.gateway.routes.given import Incoming


@get("/asyncapi", **ADMIN)
async def asyncapi(request: Incoming) -> Response[bytes]:
    """Every queue and message, to read."""
    return _revalidated(request, _page(), MediaType.HTML)


@get("/asyncapi.json", **ADMIN)
async def asyncapi_json(request: Incoming) -> Response[bytes]:
    """The AsyncAPI 3.0 document, for programs."""
    return _revalidated(request, _json(), MediaType.JSON)


def _revalidated(request: Incoming, content: bytes, media_type: MediaType) -> Response[bytes]:
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**HEADERS, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@cache
def _page() -> bytes:
    return page(document()).encode()


@cache
def _json() -> bytes:
    return msgspec.json.encode(document())


HANDLERS = [asyncapi, asyncapi_json]
