"""The live feed: one look for all who watch, none while nobody does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import msgspec
import pytest

from momo.console import feed as feeding
from momo.console.feed import Feed
from momo.console.letters import DeadLetters, Reading
from momo.lag.snapshot import QueueLag, Snapshot
from momo.settings import Settings
from tests.waiting import eventually


class Observer:
    """Counts looks; the depth of the one queue is their number."""

    running: int = 0
    looks: int = 0

    def __init__(self, *_: object) -> None: ...

    async def start(self) -> None:
        Observer.running += 1

    async def stop(self) -> None:
        Observer.running -= 1

    async def look(self) -> Snapshot:
        Observer.looks += 1
        queue = QueueLag(
            name="a.dlq", kind="dead", messages=Observer.looks, oldest_age_s=0, consumers=0,
            published_rate=0, handled_rate=0,
        )  # fmt: skip
        return Snapshot(at=time.time(), queues=(queue,))


class Letters:
    reading: Reading | None = None


class NoRedis:
    async def hgetall(self, _: str) -> Any:
        raise OSError("away")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(feeding, "Observer", Observer)
    monkeypatch.setattr(feeding, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(feeding, "LINGER_SECONDS", 0.1)
    Observer.running = Observer.looks = 0
    yield
    assert Observer.running == 0


def feed(letters: Letters | None = None) -> Feed:
    return Feed(Settings(), cast("Any", NoRedis()), cast("DeadLetters", letters or Letters()))


async def frames(stream: AsyncIterator[bytes], most: int) -> list[Any]:
    found = []
    async for event in stream:
        if event.startswith(b"event: frame"):
            found.append(msgspec.json.decode(event.partition(b"data: ")[2]))
            if len(found) == most:
                break
    return found


async def test_all_watchers_share_one_observer_which_ends_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = feed()
    assert Observer.running == 0
    seen = await asyncio.gather(*(frames(shared.watch(time.time() + 60), 5) for _ in range(10)))
    assert Observer.running == 1
    assert Observer.looks < 10
    assert [frame["paused"] for frame in seen[0]] == [None] * 5
    await eventually(lambda: Observer.running == 0)
    looked = Observer.looks
    again = await frames(shared.watch(time.time() + 60), 1)
    assert again[0]["snapshot"]["queues"][0]["messages"] == looked + 1
    await shared.stop()


async def test_stream_ends_with_its_pass_and_when_the_gateway_stops() -> None:
    shared = feed()
    assert len(await frames(shared.watch(time.time() + 0.3), 1_000)) < 1_000
    endless = asyncio.create_task(frames(shared.watch(time.time() + 60), 100_000))
    await eventually(lambda: Observer.running == 1)
    shared.drain()
    async with asyncio.timeout(1):
        assert len(await endless) < 100_000
    await shared.stop()


async def test_who_comes_later_gets_the_history_first() -> None:
    shared = feed()
    await frames(shared.watch(time.time() + 60), 4)
    events = shared.watch(time.time() + 60)
    assert await anext(events) == b"retry: 1000\n\n"
    name, _, data = (await anext(events)).partition(b"\ndata: ")
    assert name == b"event: history"
    assert msgspec.json.decode(data)["depths"]["a.dlq"][:4] == [1, 2, 3, 4]
    await shared.stop()


async def test_queue_that_is_being_read_does_not_seem_to_be_empty() -> None:
    letters = Letters()
    shared = feed(letters)
    [first] = await frames(shared.watch(time.time() + 60), 1)
    letters.reading = Reading(queue="a.dlq", read=1, depth=2)
    *_, last = await frames(shared.watch(time.time() + 60), 4)
    before = first["snapshot"]["queues"][0]["messages"]
    assert last["snapshot"]["queues"][0]["messages"] <= before + 1
    assert Observer.looks > before + 2
    await shared.stop()
