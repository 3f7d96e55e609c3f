"""A response that is complete as it is written: the framework's own would look through its headers for each it adds."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.types import Receive, Scope, Send


class Written(Response[bytes]):
    """A body of bytes with its status and headers; no cookies, and nothing that routes or the application would add."""

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        headers.append((b"content-type", str(self.media_type).encode()))
        headers.append((b"content-length", str(len(self.content)).encode()))

        async def send_all(_: Scope, __: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": self.status_code or 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.content, "more_body": False})

        return send_all
