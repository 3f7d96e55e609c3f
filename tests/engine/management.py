"""RabbitMQ's management API, as the tests use it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec


async def ask(url: str, method: str, *path: str) -> Any:
    """The decoded answer of the API at `url` to `method` on `/api/<path…>`, or None where it has no body."""
    parts = urlsplit(url)
    login = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    address = f"{parts.scheme}://{parts.hostname}:{parts.port}/api/" + "/".join(quote(part, safe="") for part in path)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}, raise_for_status=True) as http,
        http.request(method, address) as response,
    ):
        body = await response.read()
    return msgspec.json.decode(body) if body else None
