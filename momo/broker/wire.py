"""The wire: takes deliveries off a connection before the client library sees them, and writes their acks.

aiormq reads each of a message's three frames by itself and gives it a task, aio-pika an object and another task: half
of what a worker would do for a message that only waits for its lane. Everything else on the connection (handshakes,
declarations, heartbeats, cancellations) passes through to them untouched.

Layout: AMQP 0-9-1 specification, section 2.3.5 (frames) and classes 20 (channel) and 60 (basic).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import aiormq
from yarl import URL

from momo.broker.acks import Ledger
from momo.broker.address import Nodes
from momo.broker.mending import MendingConnection

aiormq.Connection.FRAME_BUFFER_SIZE = 4_096
"""Where so many frames wait to be written, aiormq keeps its answer to a closed channel to itself: then the broker keeps
the channel and its consumers. By default that are ten, but a server may close more channels at once."""

_HEAD = struct.Struct(">BHI")
_TAG = struct.Struct(">Q").unpack_from
_ACK = struct.Struct(">BHIHHQBB").pack
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, 0xCE
_DELIVER = struct.pack(">HH", 60, 60)
_CONSUME_OK, _CANCEL, _CANCEL_OK = (struct.pack(">HH", 60, method) for method in (21, 30, 31))
_CHANNEL_ENDS = {struct.pack(">HH", 20, method) for method in (11, 40, 41)}
"""Open-Ok, Close, Close-Ok: whatever a channel of that number held before is no longer its."""
_CLOSE = struct.pack(">HH", 10, 50)
"""The broker ends the connection; aiormq reads no further."""
_HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_BEAT_SECONDS = 1.0
_READ = 1 << 18


class Taken:
    """A message on its way in: `header` is a content header frame's payload."""

    __slots__ = ("body", "header", "ledger", "left", "tag", "to")

    def __init__(self, to: bytes, tag: int, ledger: Ledger) -> None:
        self.to = to
        self.tag = tag
        self.ledger = ledger
        self.header = b""
        self.body = b""
        self.left = 0


Take = Callable[[Taken], None]


class Routes:
    """Who takes the messages of which consumer tag. What comes between a consumer's beginning and its claim waits.

    A claim outlives its consumer: aio-pika begins consumers again under their old tags, and where it is doing so while
    we cancel one, that one lives on. `stray` is told of each that begins after it was retired, to cancel it again; what
    it is given meanwhile is taken all the same, for it would be held by nobody otherwise. `cancelled` is told of each
    that the broker ends."""

    def __init__(self, stray: Callable[[str], None], cancelled: Callable[[str], None]) -> None:
        self._stray = stray
        self._cancelled = cancelled
        self._retired: set[bytes] = set()
        self.ledgers: WeakSet[Ledger] = WeakSet()
        self._takers: dict[bytes, Take] = {}
        self._early: dict[bytes, list[Taken]] = {}
        self._live: set[bytes] = set()

    def consuming(self, consumer_tag: str) -> bool:
        """Whether the broker has begun this consumer, and nothing has ended it since."""
        return consumer_tag.encode() in self._live

    def claim(self, consumer_tag: str, take: Take) -> None:
        name = consumer_tag.encode()
        self._takers[name] = take
        for message in self._early.pop(name, ()):
            take(message)

    def disclaim(self, consumer_tag: str) -> None:
        """What it is still given is taken by nobody: its channel is about to be closed, for good."""
        self._takers[consumer_tag.encode()] = _drop

    def give(self, message: Taken) -> None:
        take = self._takers.get(message.to)
        if take is None:
            self._early.setdefault(message.to, []).append(message)
        else:
            take(message)

    def retire(self, consumer_tag: str) -> None:
        """It is about to be cancelled, for good."""
        self._retired.add(consumer_tag.encode())

    def begun(self, name: bytes) -> None:
        self._live.add(name)
        if name in self._retired:
            self._stray(name.decode())

    def ended(self, name: bytes) -> None:
        """It is cancelled, or its channel, its connection or its queue is gone. It may begin again."""
        self._live.discard(name)
        self._early.pop(name, None)
        if self._takers.get(name) is _drop:
            del self._takers[name]

    def cancelled(self, name: bytes) -> None:
        """The broker has ended it, and left its channel open."""
        self.ended(name)
        self._cancelled(name.decode())


def _drop(_: Taken) -> None:
    """The broker gives it to another."""


class Wire:
    """Stands where aiormq expects a connection's StreamReader, and gives it all but the deliveries."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Routes) -> None:
        self._reader = reader
        self._writer = writer
        self._routes = routes
        self._broken_off = b""
        self._passed = bytearray()
        self._coming: dict[int, Taken] = {}
        self._ledgers: dict[int, Ledger] = {}
        self._consumers: dict[int, set[bytes]] = {}
        self._clock = asyncio.get_running_loop().time
        self._beat = self._clock()

    def at_eof(self) -> bool:
        return not self._passed and self._reader.at_eof()

    async def readexactly(self, n: int) -> bytes:
        """The next `n` bytes of what passes through. Raises what a StreamReader raises."""
        while len(self._passed) < n:
            if not (data := await self._read()):
                raise asyncio.IncompleteReadError(bytes(self._passed), n)
            self._sort(self._broken_off + data if self._broken_off else data)
        found = bytes(self._passed[:n])
        del self._passed[:n]
        return found

    async def _read(self) -> bytes:
        """What has come; nothing at the end, where all that was delivered goes back to the broker."""
        data = b""
        try:
            data = await self._reader.read(_READ)
        finally:
            if not data:
                self._end()
        return data

    def _sort(self, data: bytes) -> None:
        """Takes the deliveries out of whole frames; the last one may be broken off."""
        at, end = 0, len(data)
        while end - at > _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(data, at)
            if kind > 8:  # no frame at all, but the header of another version of the protocol
                self._passed += data[at:]
                at = end
                break
            start = at + _HEAD.size
            stop = start + size
            if stop >= end:
                break
            if not self._takes(kind, channel, data[start:stop]):
                self._passed += data[at : stop + 1]
            at = stop + 1
        self._broken_off = data[at:]
        if (now := self._clock()) - self._beat >= _BEAT_SECONDS:
            # where all that comes is taken, aiormq would think the broker dead
            self._beat = now
            self._passed += _HEARTBEAT

    def _takes(self, kind: int, channel: int, payload: bytes) -> bool:
        if kind == _METHOD:
            return self._takes_method(channel, payload)
        message = self._coming.get(channel)
        if message is None:
            return False
        if kind == _HEADER:
            message.header = payload
            (message.left,) = _TAG(payload, 4)
        else:
            message.body = message.body + payload if message.body else payload
            message.left -= len(payload)
        if not message.left:
            del self._coming[channel]
            self._routes.give(message)
        return True

    def _takes_method(self, channel: int, payload: bytes) -> bool:
        method = payload[:4]
        if method == _DELIVER:
            at = 5 + payload[4]
            ledger = self._ledgers.get(channel)
            if ledger is None:
                ledger = self._ledgers[channel] = Ledger(lambda tag: self._ack(channel, tag))
                self._routes.ledgers.add(ledger)
            self._coming[channel] = Taken(payload[5:at], _TAG(payload, at)[0], ledger)
            return True
        if method == _CLOSE:
            self._end()
        elif method in _CHANNEL_ENDS:
            self._forget(channel)
        elif method in (_CONSUME_OK, _CANCEL, _CANCEL_OK):
            self._consumer(channel, method, payload[5 : 5 + payload[4]])
        return False

    def _consumer(self, channel: int, method: bytes, name: bytes) -> None:
        consumers = self._consumers.setdefault(channel, set())
        if method == _CONSUME_OK:
            consumers.add(name)
            self._routes.begun(name)
        else:
            consumers.discard(name)
            (self._routes.cancelled if method == _CANCEL else self._routes.ended)(name)

    def _end(self) -> None:
        for channel in {*self._ledgers, *self._consumers}:
            self._forget(channel)

    def _forget(self, channel: int) -> None:
        self._coming.pop(channel, None)
        if (ledger := self._ledgers.pop(channel, None)) is not None:
            ledger.gone = True
        for name in self._consumers.pop(channel, ()):
            self._routes.ended(name)

    def _ack(self, channel: int, tag: int) -> None:
        if not self._writer.is_closing():
            self._writer.write(_ACK(_METHOD, channel, 13, 60, 80, tag, 1, _END))


class WiredConnection(MendingConnection):
    """aio-pika's connection that mends itself, with a Wire in each of its transports."""

    def __init__(self, url: URL, *, routes: Routes, **options: Any) -> None:
        super().__init__(url, **options)
        self.kwargs["transport_factory"] = _Wired(routes)


class _Wired(Nodes):
    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await super().create(url, **options)
        return Wire(reader, writer, self._routes), writer  # type: ignore[return-value]
