"""The wire passes everything on, until it is cut, slowed, or reset half-way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from momo.chaos.proxy import Proxy, proxy
from momo.local.ports import free_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def wire_to_echo() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with proxy(server.sockets[0].getsockname()[1]) as wire:
            yield wire
    finally:
        server.close()


@asynccontextmanager
async def dialled(wire: Proxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(streams: Streams, data: bytes) -> bytes:
    """What comes back when `data` is sent. Raises OSError where the wire is cut."""
    reader, writer = streams
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(data))


async def test_a_whole_wire_passes_on_everything_in_order_and_to_the_end() -> None:
    blob = bytes(range(256)) * 4_000
    async with wire_to_echo() as wire, dialled(wire) as (reader, writer):
        writer.write(blob)
        writer.write_eof()
        async with asyncio.timeout(5):
            assert await reader.read(-1) == blob


async def test_a_cut_wire_resets_what_is_open_and_what_is_new_until_it_is_mended() -> None:
    async with wire_to_echo() as wire, dialled(wire) as before:
        assert await said(before, b"hello") == b"hello"
        wire.cut()
        with pytest.raises(ConnectionResetError):
            await before[0].readexactly(1)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with dialled(wire) as meanwhile:
                await said(meanwhile, b"hello")
        wire.mend()
        async with dialled(wire) as after:
            assert await said(after, b"hello") == b"hello"


async def test_a_slow_wire_has_a_latency_and_a_bandwidth() -> None:
    async with wire_to_echo() as wire, dialled(wire) as streams:
        wire.slow(0.05, 10_000)
        began = time.monotonic()
        assert await said(streams, b"x" * 1_000) == b"x" * 1_000
        assert time.monotonic() - began >= 2 * (0.05 + 1_000 / 10_000)
        wire.mend()
        began = time.monotonic()
        assert await said(streams, b"x" * 1_000) == b"x" * 1_000
        assert time.monotonic() - began < 0.2


async def test_a_reset_comes_after_half_of_what_was_sent() -> None:
    heard = asyncio.Queue[bytes | None]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1_000):
                heard.put_nowait(data)
        except ConnectionResetError:
            heard.put_nowait(None)
        finally:
            writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with proxy(server.sockets[0].getsockname()[1]) as wire, dialled(wire) as (_, writer), asyncio.timeout(5):
        writer.write(b"whole")
        assert await heard.get() == b"whole"
        wire.reset_midway()
        writer.write(b"x" * 100)
        assert await heard.get() == b"x" * 50
        assert await heard.get() is None, "then the reset"
        assert wire.resets == 1
    server.close()


async def test_what_carries_nothing_is_not_reset() -> None:
    async with wire_to_echo() as wire, dialled(wire) as idle:
        assert await said(idle, b"hello") == b"hello"
        wire.reset_midway()
        wire.mend()
        assert await said(idle, b"hello") == b"hello"
        assert wire.resets == 0


async def test_a_server_that_is_away_looks_so_through_the_wire() -> None:
    async with proxy(free_port()) as wire:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with dialled(wire) as streams:
                await said(streams, b"hello")


async def test_an_address_keeps_all_but_its_port() -> None:
    async with wire_to_echo() as wire:
        assert wire.instead_of("amqp://me:5672@127.0.0.1:5672/v5672") == f"amqp://me:5672@127.0.0.1:{wire.port}/v5672"
