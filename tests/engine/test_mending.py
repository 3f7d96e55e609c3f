"""A connection connects again, whatever the library that mends it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aio_pika import RobustChannel
from yarl import URL

from momo.broker import mending
from momo.broker.address import connection_url
from momo.broker.mending import MendingConnection
from momo.settings import Settings
from tests.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def connection(engine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MendingConnection]:
    monkeypatch.setattr(mending, "LOOK_SECONDS", 0.2)
    async with opened(engine_settings) as connection:
        yield connection


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[MendingConnection]:
    url = URL(connection_url(settings.amqp_url, "momo-tests"))
    connection = MendingConnection(url.update_query(reconnect_interval="0.1"))
    await connection.connect()
    try:
        yield connection
    finally:
        await connection.close()


async def end(connection: MendingConnection) -> None:
    assert connection.transport is not None
    await connection.transport.connection.close(ConnectionError("cut off"))


async def connects_again(connection: MendingConnection) -> None:
    await eventually(lambda: connection.transport is not None and not connection.transport.connection.is_closed)
    await connection.channel()  # and is of use


async def test_a_connection_that_ends_while_a_channel_is_mended_connects_again(
    connection: MendingConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = asyncio.Event()

    async def hang(_: RobustChannel) -> bool:
        hangs.set()
        await asyncio.Event().wait()
        return False

    kept = await connection.channel()
    monkeypatch.setattr(RobustChannel, "_restore_consumers", hang)
    connection._request_recovery()
    await hangs.wait()
    await end(connection)
    await connects_again(connection)
    await kept.ready()


async def test_a_connection_of_whose_end_nobody_tells_connects_again(
    engine_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return

    monkeypatch.setattr(mending, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(MendingConnection, "_on_connection_close", nothing)
    async with opened(engine_settings) as connection:
        await end(connection)
        await connects_again(connection)


async def test_a_connection_that_nothing_mends_any_more_connects_again(connection: MendingConnection) -> None:
    task: asyncio.Task[None] = getattr(connection, mending._MENDING)
    task.cancel()
    await asyncio.wait({task})
    await end(connection)
    await connects_again(connection)


async def test_what_is_closed_for_good_stays_so(
    connection: MendingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.close()
    await asyncio.sleep(mending.LOOK_SECONDS * (mending.PATIENT_LOOKS + 2))
    assert connection.is_closed
    assert "closed, and" not in caplog.text
