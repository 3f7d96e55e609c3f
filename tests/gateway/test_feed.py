"""One socket's notices, without a server: buffers, gaps, a database that fails, a client that takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import msgspec
import pytest

from contracts.notification import SendNotification
from momo.gateway import sockets
from momo.gateway.notices import Notices, pushed
from momo.gateway.sockets import BUFFER, Closed, Feed
from momo.queries.notification import Notice
from momo.store.errors import StoreUnavailable


def payload(sequence: int) -> bytes:
    return msgspec.json.encode(
        SendNotification(member_id=1, sequence=sequence, type="user.followed", content="", created_at=datetime.now(UTC))
    )


class Shelf(Notices):
    """Stored notices 1…`count`; `failures` reads fail first."""

    def __init__(self, count: int = 0, failures: int = 0) -> None:
        self.count = count
        self.failures = failures
        self.reads = 0

    async def after(self, member_id: int, sequence: int) -> list[Notice]:  # noqa: ARG002 - one member
        self.reads += 1
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return [pushed(payload(number)) for number in range(sequence + 1, min(self.count, sequence + 100) + 1)]


class Client:
    """Takes what is sent; `open` may be cleared to take nothing."""

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.open = asyncio.Event()
        self.open.set()
        self.taken = asyncio.Event()

    async def send(self, text: bytes) -> None:
        await self.open.wait()
        self.sequences.append(msgspec.json.decode(text)["sequence"])
        self.taken.set()

    async def until(self, count: int) -> list[int]:
        async with asyncio.timeout(5):
            while len(self.sequences) < count:
                self.taken.clear()
                await self.taken.wait()
        return self.sequences


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(feed.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Closed):
            await task


async def test_overflowing_buffer_is_replaced_by_the_database() -> None:
    shelf, client = Shelf(), Client()
    feed = Feed(1, 0, shelf, client.send)
    async with running(feed):
        client.open.clear()
        shelf.count = 3 * BUFFER
        for sequence in range(1, shelf.count + 1):
            feed.hear(payload(sequence))
        assert len(feed._live) <= BUFFER
        client.open.set()
        assert await client.until(shelf.count) == list(range(1, shelf.count + 1))


async def test_repeated_and_older_notices_are_dropped() -> None:
    client = Client()
    feed = Feed(1, 5, Shelf(5), client.send)
    async with running(feed):
        for sequence in (4, 5, 6, 6, 5, 7):
            feed.hear(payload(sequence))
        assert await client.until(2) == [6, 7]


async def test_live_notices_in_order_need_no_database() -> None:
    shelf, client = Shelf(), Client()
    feed = Feed(1, 0, shelf, client.send)
    async with running(feed):
        for sequence in (1, 2, 3):
            feed.hear(payload(sequence))
        await client.until(3)
        assert shelf.reads == 1


async def test_gap_that_the_database_does_not_have_either_ends_with_the_live_notice() -> None:
    client = Client()
    feed = Feed(1, 0, Shelf(), client.send)
    async with running(feed):
        feed.hear(payload(9))
        assert await client.until(1) == [9]


async def test_database_that_comes_back_is_read_again() -> None:
    shelf, client = Shelf(3, failures=2), Client()
    async with running(Feed(1, 0, shelf, client.send)):
        assert await client.until(3) == [1, 2, 3]


async def test_client_that_takes_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SEND_SECONDS", 0.05)
    client = Client()
    client.open.clear()
    async with running(Feed(1, 0, Shelf(1), client.send)) as task:
        with pytest.raises(Closed) as closed:
            await asyncio.wait_for(task, 5)
        assert closed.value.code == 1013


async def test_garbage_on_the_channel_is_ignored() -> None:
    client = Client()
    feed = Feed(1, 0, Shelf(), client.send)
    async with running(feed):
        feed.hear(b"garbage")
        feed.hear(b'{"sequence":"1"}')
        feed.hear(payload(1))
        assert await client.until(1) == [1]
