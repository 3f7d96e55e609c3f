"""A load generator for HTTP that costs less than what it loads: keep-alive connections with ready-made requests."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import msgspec

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TICK = 0.001
PATIENCE = 60.0


def post(path: str, headers: dict[str, str]) -> bytes:
    """A POST without a body, as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: momo", "Content-Length: 0", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "127.0.0.1", parts.port or 80


class Answered(msgspec.Struct, kw_only=True):
    """`times` in seconds, each from when its request was due. `within` answers came in `seconds`: until the last
    request was due, or, of those that are not sent by schedule, until the last answer. They had `size` bytes in all."""

    times: list[float]
    statuses: Counter[int]
    size: int = 0
    within: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.within / self.seconds


class Line(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, answered: Callable[[Line, int, int], None], lost: Callable[[], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._held = b""
        self._transport: asyncio.Transport | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._held, 0, end + 2)
        if length is None or len(self._held) < end + 4 + int(length[1]):
            return
        status, size = int(self._held[9:12]), len(self._held)
        self._held = b""
        self._answered(self, status, size)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Lines:
    """Some connections to one server."""

    def __init__(self) -> None:
        self._all: list[Line] = []
        self._free: deque[Line] = deque()
        self._due: deque[tuple[bytes, float]] = deque()
        self._next: Iterator[bytes] = iter(())
        self._left = 0
        self._until = math.inf
        self._ended: asyncio.Future[None] | None = None
        self._found = Answered(times=[], statuses=Counter())

    async def open(self, address: str, count: int) -> None:
        host, port = host_and_port(address)
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, line = await loop.create_connection(lambda: Line(self._answered, self._lost), host, port)
            self._all.append(line)
        self._free.extend(self._all)

    def close(self) -> None:
        self._ended = None
        for line in self._all:
            line.close()

    async def offer(self, requests: Sequence[bytes], rate: float) -> Answered:
        """Sends `rate` a second, whatever comes back: a request that finds no free line waits, and its time runs.
        Raises RuntimeError where the server hangs up."""
        began = self._begin(len(requests)) + 0.01
        self._until = began + len(requests) / rate
        sent = 0
        while sent < len(requests):
            due = min(len(requests), int((time.perf_counter() - began) * rate) + 1)
            for number in range(sent, due):
                self._due.append((requests[number], began + number / rate))
            sent = max(sent, due)
            self._dispatch()
            await asyncio.sleep(TICK)
        return await self._end(began)

    async def saturate(self, requests: Sequence[bytes]) -> Answered:
        """Sends the next of `requests` on each line as soon as the one before is answered. Raises as `offer`."""
        began = self._begin(len(requests))
        self._next = iter(requests)
        for line, request in zip(self._all, self._next, strict=False):
            self._free.remove(line)
            line.ask(request, began)
        return await self._end(began)

    def _begin(self, count: int) -> float:
        self._left = count
        self._until = math.inf
        self._next = iter(())
        self._ended = asyncio.get_running_loop().create_future()
        self._found = Answered(times=[], statuses=Counter())
        return time.perf_counter()

    async def _end(self, began: float) -> Answered:
        assert self._ended is not None
        async with asyncio.timeout(PATIENCE):
            await self._ended
        self._ended = None
        self._found.seconds = min(self._until, time.perf_counter()) - began
        return self._found

    def _dispatch(self) -> None:
        while self._due and self._free:
            request, due = self._due.popleft()
            self._free.popleft().ask(request, due)

    def _answered(self, line: Line, status: int, size: int) -> None:
        now = time.perf_counter()
        self._found.size += size
        self._found.times.append(now - line.due)
        self._found.statuses[status] += 1
        self._found.within += now <= self._until
        self._left -= 1
        if (request := next(self._next, None)) is not None:
            line.ask(request, now)
        else:
            self._free.append(line)
            self._dispatch()
        if not self._left and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _lost(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(RuntimeError("the server hung up"))


@asynccontextmanager
async def lines(address: str, count: int) -> AsyncIterator[Lines]:
    """`count` open connections to `address`."""
    found = Lines()
    await found.open(address, count)
    try:
        yield found
    finally:
        found.close()


async def listening(address: str, seconds: float = 30.0) -> None:
    """Waits until `address` takes connections. Raises TimeoutError."""
    host, port = host_and_port(address)
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
