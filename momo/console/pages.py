"""The console's page, styles and scripts: files of this package, kept in memory, revalidated by their ETag."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from momo.gateway.problems import not_found
from momo.gateway.routes.given import Incoming

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Page(msgspec.Struct, frozen=True):
    content: bytes
    media_type: str
    etag: str


@cache
def pages() -> dict[str, Page]:
    """By name. A wheel has them too: they are files of the package."""
    found = {}
    for file in files("momo.console").joinpath("static").iterdir():
        name = file.name
        suffix = name[name.rfind(".") :]
        if suffix in TYPES:
            content = file.read_bytes()
            found[name] = Page(content, TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    return found


def _page(request: Incoming, name: str) -> Response[bytes]:
    page = pages().get(name)
    if page is None:
        raise not_found("file")
    headers = {**HEADERS, "ETag": page.etag}
    if page.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(page.content, media_type=page.media_type, headers=headers)


@get("/")
async def index(request: Incoming) -> Response[bytes]:
    """The console. What it shows it asks for itself, with the pass of whoever has logged in."""
    return _page(request, "index.html")


@get("/static/{name:str}")
async def static(request: Incoming, name: FromPath[str]) -> Response[bytes]:
    return _page(request, name)


HANDLERS = [index, static]
