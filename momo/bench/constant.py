"""The least that a server can do for a command: a raw ASGI app that publishes a constant and answers a constant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from contracts.meeting import JoinMeeting
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.gateway.server import BACKLOG, bind
from momo.settings import load

BODY = b'{"id":"00000000-0000-8000-8000-000000000000","state":"pending"}'
START = {
    "type": "http.response.start",
    "status": 202,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
END = {"type": "http.response.body", "body": BODY}

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Constant:
    """Publishes the same command for each request, with confirm."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._command = [seal(JoinMeeting(meeting_id=1, member_id=1, nickname="constant"), message_id=fresh_id())]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await self._publisher.publish(self._command)
        await send(START)
        await send(END)


async def main() -> None:
    """Serves until SIGTERM, under the server and with the settings of the gateway."""
    settings = load()
    publisher = Publisher(settings.amqp_url, name="momo-bench constant")
    await publisher.start()
    app: Any = Constant(publisher)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            backlog=BACKLOG,
            server_header=False,
        )
    )
    try:
        await server.serve(sockets=[bind(settings.host, settings.port)])
    finally:
        await publisher.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
