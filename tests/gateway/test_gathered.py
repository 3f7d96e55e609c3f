"""Calls that gather: flushes one after the other, an answer for each caller, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.meeting import JoinMeeting
from momo.broker.envelope import Envelope, seal
from momo.broker.publisher import PublishError
from momo.gateway.commands import CommandGateway
from momo.gateway.gathered import Gathered


class Flushes:
    """Answers each item with its double; negative ones fail. Holds every flush until `let_go`."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.began = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.seen.append(list(items))
        self.began.set()
        await self.let_go.wait()
        if 0 in items:
            raise RuntimeError("all of them")
        return [item * 2 if item > 0 else ValueError(str(item)) for item in items]


async def test_what_comes_during_a_flush_goes_together_with_the_next() -> None:
    flushes = Flushes()
    gathered = Gathered(flushes)
    first = asyncio.ensure_future(gathered.ask(1))
    await flushes.began.wait()
    others = [asyncio.ensure_future(gathered.ask(item)) for item in (2, 3, 4)]
    await asyncio.sleep(0)
    flushes.let_go.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert flushes.seen == [[1], [2, 3, 4]]


async def test_each_caller_gets_its_own_failure_and_a_flush_that_raises_fails_them_all() -> None:
    flushes = Flushes()
    flushes.let_go.set()
    gathered = Gathered(flushes)
    good, bad = await asyncio.gather(gathered.ask(1), gathered.ask(-1), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, ValueError)
    failed = await asyncio.gather(gathered.ask(0), gathered.ask(1), return_exceptions=True)
    assert [type(error) for error in failed] == [RuntimeError, RuntimeError]
    assert await gathered.ask(5) == 10


async def test_caller_that_gave_up_keeps_nobody_from_an_answer() -> None:
    flushes = Flushes()
    gathered = Gathered(flushes)
    gone, there = (asyncio.ensure_future(gathered.ask(item)) for item in (1, 2))
    await flushes.began.wait()
    gone.cancel()
    flushes.let_go.set()
    assert await there == 4
    assert gone.cancelled() or gone.cancelling()


class Broker:
    """Takes what is published, but refuses a write that has the message `bad` among its own."""

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected
        self.writes: list[list[str]] = []

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        self.writes.append([envelope.message_id for envelope in envelopes])
        if "bad" in self.writes[-1]:
            raise PublishError("a message was refused")


def published(broker: Any, *names: str) -> asyncio.Future[list[object]]:
    unused: Any = None
    commands = CommandGateway(
        secret=b"", publisher=broker, inbox=unused, outcomes=unused, redis=unused, channels=unused, queues=unused
    )
    sealed = [seal(JoinMeeting(meeting_id=1, member_id=2, nickname="m"), message_id=name) for name in names]
    return asyncio.gather(*map(commands._publishes.ask, sealed), return_exceptions=True)


async def test_message_that_is_refused_fails_no_other_of_its_write() -> None:
    broker = Broker(connected=True)
    first, bad, last = await published(broker, "first", "bad", "last")
    assert first is last is None
    assert isinstance(bad, PublishError)
    assert broker.writes == [["first", "bad", "last"], ["first"], ["bad"], ["last"]]


async def test_write_is_not_tried_again_while_the_broker_is_away() -> None:
    broker = Broker(connected=False)
    found = await published(broker, "first", "bad")
    assert [type(error) for error in found] == [PublishError, PublishError]
    assert broker.writes == [["first", "bad"]]


@pytest.mark.parametrize("count", [501, 1200])
async def test_flush_has_a_most(count: int) -> None:
    flushes = Flushes()
    flushes.let_go.set()
    gathered = Gathered(flushes)
    assert await asyncio.gather(*(gathered.ask(item) for item in range(1, count))) == [2 * i for i in range(1, count)]
    assert max(map(len, flushes.seen)) == 500
