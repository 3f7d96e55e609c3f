"""Effects: many at once and never more, patient with an open circuit, finished before a process stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec.structs import replace
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.notification import SendNotification
from momo.actors import World
from momo.breaker import Breaker, BreakerOpen
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.worker import Service
from tests.engine.counter import ADD, CALL, add, call, calls, counters
from tests.engine.engine import Engine, working
from tests.waiting import eventually

AT_ONCE = 8


class Calling:
    """An effect that waits to be let go, and counts how many of it are under way."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.under_way = 0
        self.most = 0
        self.called = 0
        self.service = Service("notification")
        self.service.calls(CALL.name, self.run, at_once=AT_ONCE)

    async def run(self, command: SendNotification, world: World) -> Iterable[Message]:  # noqa: ARG002 - an effect is given it
        self.called += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.go.wait()
        self.under_way -= 1
        return [add(command.member_id)]


async def test_no_more_than_the_limit_runs_at_once(engine: Engine) -> None:
    calling = Calling()
    async with working(engine.settings, calling.service, counters()):
        await engine.send(*(call(n) for n in range(AT_ONCE * 3)))
        await eventually(lambda: calling.under_way == AT_ONCE)
        calling.go.set()
        await eventually(lambda: _learned(engine, AT_ONCE * 3))
    assert calling.most == AT_ONCE


async def test_a_stopping_process_finishes_its_calls_and_sends_what_they_learned(engine: Engine) -> None:
    calling = Calling()
    async with working(engine.settings, calling.service):
        await engine.send(*(call(n) for n in range(5)))
        await eventually(lambda: calling.under_way == 5)
        asyncio.get_running_loop().call_later(0.2, calling.go.set)
    assert await engine.depth(ADD.name) == 5
    assert await engine.depth(CALL.name) == 0
    assert calling.called == 5


async def test_a_call_that_does_not_end_in_the_grace_period_is_made_again_by_another(engine: Engine) -> None:
    calling = Calling()
    async with working(replace(engine.settings, grace_seconds=0.2), calling.service):
        await engine.send(call(1))
        await eventually(lambda: calling.under_way == 1)
    await eventually(lambda: _waits(engine))


async def test_an_open_circuit_burns_no_attempt(engine: Engine) -> None:
    retries = REGISTRY.get_sample_value("momo_retries_total", {"queue": CALL.name}) or 0.0
    closed_after = 3

    def fault(_: Message) -> None:
        nonlocal closed_after
        closed_after -= 1
        if closed_after > 0:
            raise BreakerOpen(Breaker("toss"))

    async with working(engine.settings, calls(fault), counters()):
        await engine.send(call(1))
        await eventually(lambda: _learned(engine, 1))
    assert (REGISTRY.get_sample_value("momo_retries_total", {"queue": CALL.name}) or 0.0) == retries


async def test_what_an_effect_learned_twice_is_decided_once(engine: Engine) -> None:
    message = seal(call(1), message_id=fresh_id())
    async with working(engine.settings, calls(), counters()):
        await engine.send(message, message)
        await eventually(lambda: _empty(engine))
        await eventually(lambda: engine.total(1))
    assert await engine.total(1) == 1


async def _learned(engine: Engine, count: int) -> bool:
    return await engine.count("inbox") == count


async def _waits(engine: Engine) -> bool:
    return await engine.depth(CALL.name) == 1


async def _empty(engine: Engine) -> bool:
    return await engine.depth(CALL.name) == 0 and await engine.depth(ADD.name) == 0
