"""Partitions: each actor's messages are decided in order by any number of workers, whatever happens to those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest
import pytest_asyncio
from aiohttp import ClientResponseError
from msgspec.structs import replace
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.meeting import JoinMeeting
from contracts.topology import Partitions, Queue
from momo.broker.management import ask
from momo.broker.topology import check, declare, topology
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.settings import Settings
from momo.worker import Service, Worker
from tests.engine.conftest import emptied
from tests.engine.counter import ADD, TOLD, UNDO, Fault, add, counters, no_fault
from tests.engine.engine import Engine, working
from tests.waiting import eventually

ACTORS = 12


def split(count: int, *was: int) -> Queue:
    return replace(ADD, partitions=Partitions(by="meeting_id", count=count, was=was))


@pytest_asyncio.fixture(loop_scope="session")
async def split_engine(engine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    """The engine on a virtual host of its own, whose additions name their actor; nothing is split yet."""
    url = engine_settings.amqp_management_url
    await ask(url, "PUT", "vhosts", "partitions")
    monkeypatch.setattr("momo.broker.envelope.ACTORS", {JoinMeeting: "meeting_id"})
    settings = replace(engine_settings, amqp_url=engine_settings.amqp_url.rpartition("/")[0] + "/partitions")
    async with emptied(settings) as engine:
        yield engine
    await ask(url, "DELETE", "vhosts", "partitions")


def service(queue: Queue, fault: Fault = no_fault) -> Service:
    """The counters, with `queue` for their additions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("momo.worker.queues_of", lambda _: (queue, UNDO, TOLD))
        return counters(fault)


async def declared(engine: Engine, queue: Queue) -> None:
    await declare(engine.settings.amqp_url, topology((queue, UNDO, TOLD)))


async def differences(engine: Engine, queue: Queue) -> list[str]:
    found = await check(engine.settings.amqp_url, engine.settings.amqp_management_url, topology((queue, UNDO, TOLD)))
    return [each for each in found if "notification" not in each]


async def send(engine: Engine, first: int, last: int) -> None:
    """The amounts from `first` up to `last` to each actor, in order."""
    for amount in range(first, last):
        await engine.send(*(add(actor, amount) for actor in range(1, ACTORS + 1)))


async def trails(engine: Engine) -> list[list[int]]:
    return [[int(step) for step in (await engine.counter(actor)).trail.split()] for actor in range(1, ACTORS + 1)]


async def all_in_order(engine: Engine, amounts: int, timeout: float = 20.0) -> None:  # noqa: ASYNC109
    async def all_there() -> bool:
        return await engine.count("inbox") >= ACTORS * (amounts - 1)

    await eventually(all_there, timeout)
    assert await trails(engine) == [list(range(1, amounts))] * ACTORS


async def cut_off(engine: Engine) -> None:
    """The broker ends every connection that consumes."""
    url = engine.settings.amqp_management_url
    for connection in await ask(url, "GET", "vhosts", "partitions", "connections"):
        if "consumer" in connection["client_properties"].get("connection_name", ""):
            with suppress(ClientResponseError):  # it has ended meanwhile
                await ask(url, "DELETE", "connections", connection["name"])


def held(worker: Worker, queue: Queue) -> list[str]:
    return [
        partition.name
        for each, partitions in worker._consumers.partitions.items()
        for partition in partitions
        if each.name == queue.name and partition.begun
    ]


def given(worker: Worker) -> list[str]:
    """The partitions whose messages it gets."""
    return [each.name for partitions in worker._consumers.partitions.values() for each in partitions if each.given]


async def test_each_worker_takes_its_share_and_gives_it_to_those_who_come_and_stay(split_engine: Engine) -> None:
    queue = split(4)
    await declared(split_engine, queue)
    async with working(split_engine.settings, service(queue)) as one:
        await eventually(lambda: len(held(one, queue)) == 4)
        async with working(split_engine.settings, service(queue)) as two:
            # each waits behind the other, too
            await eventually(lambda: len(held(two, queue)) == 4)
            sent = 1
            # whose turn it is shows by what it is given
            while sorted(given(one) + given(two)) != sorted(queue.partition_queues[0]) or len(given(one)) != 2:
                await send(split_engine, sent, sent + 1)
                sent += 1
            await all_in_order(split_engine, sent)
        await send(split_engine, sent, sent + 5)
        await all_in_order(split_engine, sent + 5)
    assert await differences(split_engine, queue) == []


async def test_every_turn_of_a_partition_is_counted_and_no_message(split_engine: Engine) -> None:
    queue = split(1)
    await declared(split_engine, queue)
    before = turns(queue)
    async with working(split_engine.settings, service(queue)) as worker:
        await send(split_engine, 1, 20)
        await all_in_order(split_engine, 20)
        assert turns(queue) == before + 1
        [[partition]] = [each for each in worker._consumers.partitions.values() if each]
        tag = partition._tag

        async def begun_again() -> bool:
            if partition._tag == tag:
                await cut_off(split_engine)
            return partition.begun and partition._tag != tag

        await eventually(begun_again)
        await send(split_engine, 20, 40)
        await all_in_order(split_engine, 40)
    assert turns(queue) == before + 2


def turns(queue: Queue) -> float:
    return REGISTRY.get_sample_value("momo_partition_turns_total", {"queue": queue.name}) or 0.0


async def test_order_is_kept_while_workers_come_go_and_lose_their_connections(split_engine: Engine) -> None:
    queue = split(4)
    await declared(split_engine, queue)
    sending = asyncio.create_task(send(split_engine, 1, 200))
    async with working(split_engine.settings, service(queue)) as stays:
        for _ in range(3):
            async with working(split_engine.settings, service(queue)) as comes:
                await eventually(lambda: len(held(comes, queue)) == 4)
                await cut_off(split_engine)
                await eventually(lambda: bool(held(stays, queue)))
        await sending
        await all_in_order(split_engine, 200, 60)
    assert await split_engine.depth(ADD.dead_letter_queue) == 0


async def test_partitions_are_added_and_taken_away_under_load_without_loss_or_disorder(split_engine: Engine) -> None:
    steps: Sequence[Queue] = (split(2), split(5, 2), split(3, 2, 5), split(0, 3))
    sending = asyncio.create_task(send(split_engine, 1, 300))
    before = steps[0]
    await declared(split_engine, before)
    for queue in steps[1:]:
        # the old code runs on while the new is rolled out
        async with working(split_engine.settings, service(before)), working(split_engine.settings, service(queue)):
            await declared(split_engine, queue)
            await eventually(lambda: _none(split_engine, queue), 30)  # noqa: B023
        before = queue
    async with working(split_engine.settings, service(steps[-1])):
        await sending
        await all_in_order(split_engine, 300, 60)
    assert await differences(split_engine, replace(ADD)) == []


async def test_what_fails_comes_back_and_what_dies_is_replayed(split_engine: Engine) -> None:
    queue = split(3)
    await declared(split_engine, queue)
    mended = False

    def fault(command: Message) -> None:
        if getattr(command, "nickname", "") == "fail" and not mended:
            raise RuntimeError("out of order")

    [dies] = await split_engine.send(add(1, 7, "fail"))
    async with working(split_engine.settings, service(queue, fault)):
        await split_engine.send(add(1, 1))
        await eventually(lambda: _is(split_engine, dies, "failed"), 30)
        assert await split_engine.total(1) == 1
        mended = True
        desk = Desk(split_engine.settings, by="kim", queues=(queue,))
        [letter] = await desk.show(Choice(id=dies))
        assert (letter.origin, letter.queue) == (ADD.name, ADD.dead_letter_queue)
        await desk.replay(Choice(id=dies))
        await eventually(lambda: _is(split_engine, dies, "done"))
    assert await split_engine.total(1) == 8


async def test_without_redis_every_partition_is_consumed_all_the_same(split_engine: Engine) -> None:
    queue = split(3)
    await declared(split_engine, queue)
    away = replace(split_engine.settings, redis_url="redis://127.0.0.1:1/0")
    async with working(away, service(queue)), working(away, service(queue)):
        await send(split_engine, 1, 10)
        await all_in_order(split_engine, 10)


def test_a_queue_is_split_by_what_its_messages_are_decided_by() -> None:
    queue = replace(ADD, partitions=Partitions(by="member_id", count=2))
    with pytest.raises(ValueError, match="split by 'member_id', but decided by 'meeting_id'"):
        service(queue)


async def _none(engine: Engine, queue: Queue) -> bool:
    """Whether the retired partitions are gone."""
    return not any("retired" in difference for difference in await differences(engine, queue))


async def _is(engine: Engine, message_id: str, state: str) -> bool:
    return await engine.state(message_id) == state
