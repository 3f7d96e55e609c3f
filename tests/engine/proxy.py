"""A TCP proxy whose line can be cut and mended, as networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Forwards 127.0.0.1:`port` to `target`. While it is cut, connections are dropped as soon as they are made."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole = True

    def instead_of(self, url: str) -> str:
        """`url`, by way of this proxy."""
        return url.replace(f":{urlsplit(url).port}", f":{self.port}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(_copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        sink.transport.abort()
    else:
        sink.close()


@asynccontextmanager
async def proxy(url: str, default_port: int) -> AsyncIterator[Proxy]:
    """A proxy before the server that `url` names."""
    line = Proxy(urlsplit(url).port or default_port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.close()
