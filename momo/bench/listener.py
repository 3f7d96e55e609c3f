"""One open WebSocket of a member, light enough that one process can hold ten thousand of them."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import Callable
from typing import cast

MOMENT = re.compile(rb"(\d{9,}\.\d{6})")
"""When a notice was due, as its text says: Unix time in seconds."""
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def handshake(path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: momo\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Listener(asyncio.Protocol):
    """Calls `told` with each notice's moment, and `lost` when the server hangs up; `open` is set once upgraded."""

    def __init__(self, request: bytes, told: Callable[[float], None], lost: Callable[[str], None]) -> None:
        self._request = request
        self._told = told
        self._lost = lost
        self._held = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.open = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._upgraded:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._held.startswith(b"HTTP/1.1 101"):
                self._lost(self._held[:200].decode(errors="replace"))
                return
            self._held = self._held[end + 4 :]
            self._upgraded = True
            self.open.set()
        while (frame := self._frame()) is not None:
            self._answer(*frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(str(exc or "hung up"))

    def _frame(self) -> tuple[int, bytes] | None:
        """The next complete frame; a server's are never masked, and MOMO's fit into one each."""
        held = self._held
        if len(held) < 2:
            return None
        start, size = 2, held[1] & 0x7F
        if size == 126:
            start, size = 4, int.from_bytes(held[2:4], "big")
        if len(held) < start + size:
            return None
        self._held = held[start + size :]
        return held[0] & 0x0F, held[start : start + size]

    def _answer(self, kind: int, payload: bytes) -> None:
        if kind == TEXT and (found := MOMENT.search(payload)):
            self._told(float(found[1]))
        elif kind == PING and self._transport is not None:
            # a client's frames are masked; with a mask of zeros the payload stays as it is
            self._transport.write(bytes((0x80 | PONG, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        elif kind == CLOSE:
            self._lost(payload[2:].decode(errors="replace") or "closed")
