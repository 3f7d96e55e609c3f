"""RabbitMQ's management API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import msgspec

TIMEOUT = aiohttp.ClientTimeout(total=10)
_TOTALS = {"disable_stats": "true", "enable_queue_totals": "true"}
"""Counts of this moment. The statistics are seconds old, and fail for a while where a queue has been deleted."""


async def ask(url: str, method: str, *path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
    """The decoded answer of the API at `url` to `method` on `/api/<path…>`, or None where it has no body.

    Raises aiohttp.ClientError where it can't be reached or refuses, TimeoutError where it does not answer.
    """
    parts = urlsplit(url)
    login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
    address = f"{parts.scheme}://{parts.hostname}:{parts.port}/api/" + "/".join(quote(part, safe="") for part in path)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=TIMEOUT, raise_for_status=True) as http,
        http.request(method, address, json=body, params=query) as response,
    ):
        answer = await response.read()
    return msgspec.json.decode(answer) if answer else None


async def queues(url: str, *vhost: str) -> list[dict[str, Any]]:
    """Every queue, or every one of `vhost`, with the messages in it and, of a quorum queue, its leader and members."""
    found: list[dict[str, Any]] = await ask(url, "GET", "queues", *vhost, query=_TOTALS)
    return found


def vhost_of(url: str) -> str:
    """The virtual host that an AMQP URL names."""
    return unquote(urlsplit(url).path[1:]) or "/"


async def add_vhost(url: str, name: str) -> None:
    """A virtual host of its own, for the user that `url` logs in with."""
    user = unquote(urlsplit(url).username or "guest")
    await ask(url, "PUT", "vhosts", name)
    await ask(url, "PUT", "permissions", name, user, body={"configure": ".*", "write": ".*", "read": ".*"})
