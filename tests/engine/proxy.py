"""The rig's proxy, before the server that a URL names."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from momo.chaos.proxy import Proxy
from momo.chaos.proxy import proxy as before

__all__ = ["Proxy", "proxy"]


def proxy(url: str, default_port: int) -> AbstractAsyncContextManager[Proxy]:
    """A proxy before the server that `url` names."""
    return before(urlsplit(url).port or default_port)
