"""Pauses of queues: everybody sees them, an order reaches every process, and Redis may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import pytest_asyncio
from msgspec.structs import replace
from redis.asyncio import Redis

from contracts.topology import Queue
from momo.dlq.acts import audit
from momo.dlq.switch import paused_queues, switch
from momo.pauses import Order, Pauses, order, paused
from momo.settings import Settings
from momo.steady import SteadyConnection
from tests.dlq.test_commands import answered, momo
from tests.engine.counter import ADD, UNDO, add, counters
from tests.engine.engine import Engine, spawn, working
from tests.engine.proxy import proxy
from tests.waiting import eventually


class Consumers:
    """Consumers of a process that pauses what it is told to."""

    def __init__(self) -> None:
        self.queues = (ADD, UNDO)
        self.paused: set[Queue] = set()
        self.resumed: list[Queue] = []

    def pause(self, queue: Queue, why: str, seconds: float | None = 60) -> None:
        assert seconds is None or "ordered" not in why
        self.paused.add(queue)

    async def resume(self, queue: Queue) -> None:
        self.paused.discard(queue)
        self.resumed.append(queue)


@pytest_asyncio.fixture(loop_scope="session")
async def redis(engine: Engine) -> AsyncIterator[Redis]:
    async with Redis.from_url(engine.settings.redis_url) as client:
        yield client


@asynccontextmanager
async def process(url: str, name: str) -> AsyncIterator[Consumers]:
    """A process called `name` that tells and obeys."""
    consumers = Consumers()
    async with Redis.from_url(url, socket_timeout=2, connection_class=SteadyConnection) as client:
        pauses = Pauses(client, consumers, name)
        task = asyncio.create_task(pauses.run())
        try:
            yield consumers
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await pauses.withdraw()


def an_order(act: Literal["pause", "resume"], queue: Queue = ADD) -> Order:
    return Order(act=act, queue=queue.name, by="kim", reason="a test's", at=datetime.now(UTC))


async def test_a_pause_is_seen_with_its_processes_and_ends_in_all_of_them_by_one_order(
    engine: Engine, redis: Redis
) -> None:
    async with process(engine.settings.redis_url, "a:1") as first, process(engine.settings.redis_url, "b:2") as second:
        first.pause(ADD, "it must rest")
        second.pause(ADD, "it must rest")
        second.pause(UNDO, "it must rest")
        await eventually(lambda: _processes(redis, {ADD.name: ["a:1", "b:2"], UNDO.name: ["b:2"]}))
        [_, one] = await paused(redis)
        assert (one.by, one.queue) == ("guard", ADD.name)
        assert await order(redis, an_order("resume")) == 2
        await eventually(lambda: first.resumed == [ADD] and second.resumed == [ADD])
        assert second.paused == {UNDO}
        await eventually(lambda: _processes(redis, {UNDO.name: ["b:2"]}))
    assert await paused(redis) == []


async def test_an_order_to_pause_stands_for_processes_that_come_later(engine: Engine, redis: Redis) -> None:
    async with process(engine.settings.redis_url, "a:1") as first:
        await order(redis, an_order("pause"))
        await eventually(lambda: first.paused == {ADD})
        async with process(engine.settings.redis_url, "b:2") as second:
            await eventually(lambda: second.paused == {ADD})
            second.paused.clear()  # its cool-down is over
            await eventually(lambda: second.paused == {ADD})
            await eventually(lambda: _processes(redis, {ADD.name: ["a:1", "b:2"]}))
            [one] = await paused(redis)
            assert (one.by, one.reason) == ("kim", "a test's")
            await order(redis, an_order("resume"))
            await eventually(lambda: not first.paused and not second.paused)


async def test_an_order_that_was_not_heard_is_found(engine: Engine, redis: Redis) -> None:
    async with (
        proxy(engine.settings.redis_url, 6379) as line,
        process(line.instead_of(engine.settings.redis_url), "a:1") as first,
    ):
        await order(redis, an_order("pause"))
        await eventually(lambda: first.paused == {ADD})
        line.cut()
        await order(redis, an_order("resume"))
        assert first.paused == {ADD}
        line.mend()
        await eventually(lambda: not first.paused, 20)


async def test_what_a_dead_process_has_paused_is_forgotten(engine: Engine, redis: Redis) -> None:
    async with process(engine.settings.redis_url, "a:1") as first:
        first.pause(ADD, "it must rest")
        await eventually(lambda: _processes(redis, {ADD.name: ["a:1"]}))
        assert 0 < await redis.ttl("momo.pauses.report.a:1") <= 15


async def test_nonsense_in_redis_ends_nothing(engine: Engine, redis: Redis) -> None:
    async with process(engine.settings.redis_url, "a:1") as first:
        await redis.publish("momo.pauses.orders", b"nonsense")
        await order(redis, an_order("pause"))
        await eventually(lambda: first.paused == {ADD})


async def test_an_operator_resumes_a_queue_that_the_guard_has_paused_in_two_processes(engine: Engine) -> None:
    settings = replace(engine.settings, dead_letter_least=5)
    other = await spawn(settings, ["-m", "tests.engine.process"])
    async with working(settings, counters()):
        await eventually(lambda: _consumers(engine, 2), 20)
        for _ in range(100):
            await engine.send_raw(ADD, b"{")
        await eventually(lambda: _paused_in(settings, 2), 20)
        await eventually(lambda: _consumers(engine, 0))
        await (await engine.channel.get_queue(ADD.name, ensure=False)).purge()  # or it is paused again at once
        [sent] = await engine.send(add(1))
        assert f"resume {ADD.name}: 2 worker" in await momo(settings, "queues", "resume", ADD.name, "--by", "lee")
        await eventually(lambda: _consumers(engine, 2), 5)
        await eventually(lambda: engine.state(sent))
        await eventually(lambda: _paused_in(settings, 0))
    other.terminate()
    assert await other.wait() == 0
    [act] = await audit(settings)
    assert (act.act, act.queue, act.operator, act.state) == ("resume", ADD.name, "lee", "done")


async def test_an_operator_pauses_a_queue_and_the_list_says_why(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        await momo(engine.settings, "queues", "pause", ADD.name, "--reason", "the books differ", "--by", "lee")
        await eventually(lambda: _consumers(engine, 0))
        [sent] = await engine.send(add(1))
        await eventually(lambda: _paused_in(engine.settings, 1))
        [listed] = (await answered(engine.settings, "queues"))["paused"]
        assert (listed["queue"], listed["by"], listed["reason"]) == (ADD.name, "lee", "the books differ")
        assert await engine.state(sent) == ""
        await switch(engine.settings, "resume", ADD, by="kim", reason="")
        await eventually(lambda: engine.state(sent))
    assert [(act.act, act.reason) for act in await audit(engine.settings)] == [
        ("resume", ""),
        ("pause", "the books differ"),
    ]


async def _processes(redis: Redis, wanted: dict[str, list[str]]) -> bool:
    return {one.queue: sorted(one.processes) for one in await paused(redis)} == wanted


async def _paused_in(settings: Settings, count: int) -> bool:
    found = await paused_queues(settings)
    return sum(len(one.processes) for one in found) == count


async def _consumers(engine: Engine, count: int) -> bool:
    return (await engine.publisher.look(ADD.name)).consumers == count
