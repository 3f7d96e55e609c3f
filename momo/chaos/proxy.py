"""A TCP proxy between the processes of a MOMO and one of their servers, whose wire can be cut, slowed, or reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: the other side sees a reset, not an end."""


class Proxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`. Faults last until `mend`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.resets = 0
        """How many connections were reset in the middle of what they were carrying."""
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut = False
        self._latency = 0.0
        self._rate = float("inf")

    @property
    def sources(self) -> frozenset[int]:
        """The ports from which the server sees the open connections come."""
        return frozenset(line.source for line in self._lines)

    def instead_of(self, url: str) -> str:
        """`url` by way of this proxy."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.netloc.removesuffix(f':{parts.port}')}:{self.port}").geturl()

    def cut(self) -> None:
        """Every connection is reset, and so is each new one."""
        self._cut = True
        for line in list(self._lines):
            line.reset()

    def slow(self, latency: float, rate: float) -> None:
        """What passes in either direction takes `latency` seconds, and one more for each `rate` bytes."""
        self._latency, self._rate = latency, rate

    def reset_midway(self) -> None:
        """Each open connection is reset after half of the next piece that it carries, in whichever direction."""
        for line in self._lines:
            line.doomed = True

    def mend(self) -> None:
        """The wire is whole and fast; connections that were reset stay so."""
        self._cut, self._latency, self._rate = False, 0.0, float("inf")
        for line in self._lines:
            line.doomed = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the server is away: so is whoever connects to it
            _reset(writer)
            return
        line = _Line(writer, back)
        self._lines.add(line)
        if self._cut:
            line.reset()
        try:
            await asyncio.gather(self._copy(line, reader, back), self._copy(line, there, writer))
        finally:
            self._lines.discard(line)
            line.reset()

    async def _copy(self, line: _Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # either side may be gone at any moment
            while data := await source.read(CHUNK):
                if line.doomed:
                    sink.write(data[: len(data) // 2])
                    self.resets += 1
                    line.reset()
                    return
                if self._latency:
                    await asyncio.sleep(self._latency + len(data) / self._rate)
                if sink.is_closing():  # the line was reset meanwhile
                    return
                sink.write(data)
                await sink.drain()
            if sink.can_write_eof() and not sink.is_closing():
                sink.write_eof()
            return
        line.reset()


class _Line:
    """One connection: the side of the client and the side of the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.doomed = False
        self.source = int(server.get_extra_info("sockname")[1])
        self._sides = (client, server)

    def reset(self) -> None:
        for side in self._sides:
            _reset(side)


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()


@asynccontextmanager
async def proxy(target: int, port: int = 0) -> AsyncIterator[Proxy]:
    """A proxy before 127.0.0.1:`target`, on `port` or a free one, for as long as the block runs."""
    wire = Proxy(target)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", port)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
