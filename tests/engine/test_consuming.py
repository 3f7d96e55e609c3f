"""Consuming: it resumes by itself, readiness tells when it has not, and a queue that only dies is paused."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client import REGISTRY

from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from momo.broker.management import ask
from momo.broker.topology import declare, topology
from momo.settings import Settings
from tests.engine.counter import ADD, CALL, QUEUES, UNDO, add, call, calls, counters
from tests.engine.engine import Engine, working
from tests.waiting import eventually

LEAST = Settings().dead_letter_least


def paused(queue: str) -> float | None:
    return REGISTRY.get_sample_value("momo_queue_paused", {"queue": queue})


async def test_consuming_resumes_when_its_queue_was_deleted_and_is_declared_again(engine: Engine) -> None:
    async with working(engine.settings, counters()) as worker:
        first = (await engine.send(add(1)))[0]
        await eventually(lambda: engine.state(first))
        await engine.channel.queue_delete(ADD.name)
        await eventually(lambda: worker.amiss() == [f"{ADD.name} is not delivered"])
        await declare(engine.settings.amqp_url, topology(QUEUES))
        second = (await engine.send(add(1)))[0]
        await eventually(lambda: engine.state(second), 20)
        await eventually(lambda: worker.ready)
    assert await engine.total(1) == 2


async def test_a_queue_that_the_broker_does_not_deliver_is_noticed_and_consumed_anew(engine: Engine) -> None:
    """Deleted and declared again at once, it keeps its consumers, and RabbitMQ 3.10 gives them nothing."""
    async with working(engine.settings, counters()) as worker:
        await eventually(lambda: worker.ready)
        await engine.channel.queue_delete(ADD.name)
        await declare(engine.settings.amqp_url, topology(QUEUES))
        sent = await engine.send(*(add(n) for n in range(20)))
        await eventually(lambda: _handled(engine, len(sent)), 20)
        await eventually(lambda: worker.ready)
        assert await engine.depth(ADD.name) == 0


async def test_consuming_resumes_when_its_connections_are_closed_by_the_broker(engine: Engine) -> None:
    url = engine.settings.amqp_management_url
    async with working(engine.settings, counters()) as worker:
        await engine.send(*(add(n) for n in range(200)))
        await eventually(lambda: _connections(url, 2))
        for name in await _worker_connections(url):
            await ask(url, "DELETE", "connections", name)
        await engine.send(*(add(n) for n in range(200)))
        await eventually(lambda: _handled(engine, 400), 20)
        await eventually(lambda: worker.ready)
    assert await engine.count("counters WHERE total = 2") == 200


async def test_a_worker_without_a_topology_waits_for_it(engine: Engine) -> None:
    await engine.channel.queue_delete(UNDO.name)
    async with working(engine.settings, counters(), ready=False) as worker:
        sent = (await engine.send(add(1)))[0]
        await eventually(lambda: _consumers(engine, 0))
        assert not worker.ready
        await declare(engine.settings.amqp_url, topology(QUEUES))
        await eventually(lambda: engine.state(sent))
        await eventually(lambda: worker.ready)
        assert (await engine.publisher.look(ADD.name)).consumers == 1


async def test_a_queue_that_mostly_dies_is_paused_and_can_be_resumed(engine: Engine) -> None:
    async with working(engine.settings, counters(), calls()) as worker:
        for _ in range(LEAST + 5):
            await engine.send_raw(ADD, b"{")
        await eventually(lambda: paused(ADD.name) == 1)
        await eventually(lambda: _consumers(engine, 0))
        sent = (await engine.send(add(1), call(7)))[0]
        await eventually(lambda: engine.depth(ADD.name))
        assert await engine.state(sent) == ""
        assert await engine.depth(ADD.dead_letter_queue) >= LEAST
        assert await engine.depth(CALL.name) == 0
        await worker._consumers.resume(ADD)
        await eventually(lambda: engine.state(sent))
        assert paused(ADD.name) == 0
    assert await engine.total(1) == 1


async def test_an_effect_that_mostly_works_is_not_paused(engine: Engine) -> None:
    def fault(message: object) -> None:
        if getattr(message, "content", "") == "boom":
            raise ValueError

    async with working(engine.settings, counters(), calls(fault)):
        await engine.send(*(call(n) for n in range(100)))
        await eventually(lambda: _handled(engine, 100))
        dying = [replace(envelope, attempt=3) for envelope in _sealed(LEAST + 5)]
        await engine.send(*dying)
        await eventually(lambda: _depth(engine, CALL.dead_letter_queue, LEAST + 5))
        assert (await engine.publisher.look(CALL.name)).consumers == 1
    assert paused(CALL.name) != 1


def _sealed(count: int) -> list[Envelope]:
    return [seal(call(n, "boom"), message_id=fresh_id()) for n in range(count)]


async def _worker_connections(url: str) -> list[str]:
    """Names of the worker's connections, as the management API knows them by now."""
    names = []
    for connection in await ask(url, "GET", "vhosts", "engine", "connections"):
        shown = connection.get("client_properties", {}).get("connection_name", "") or connection.get(
            "user_provided_name", ""
        )
        if shown.startswith("momo-worker"):
            names.append(connection["name"])
    return names


async def _connections(url: str, count: int) -> bool:
    return len(await _worker_connections(url)) == count


async def _consumers(engine: Engine, count: int) -> bool:
    return (await engine.publisher.look(ADD.name)).consumers == count


async def _depth(engine: Engine, queue: str, count: int) -> bool:
    return await engine.depth(queue) == count


async def _handled(engine: Engine, count: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") == count
