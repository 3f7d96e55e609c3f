"""Outages: a database, broker or Redis that goes away costs time and nothing else."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client import REGISTRY

from contracts.topology import Queue
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.worker import Worker
from tests.engine.counter import ADD, TOLD, add, counters, told
from tests.engine.engine import Engine, working
from tests.engine.proxy import proxy
from tests.waiting import eventually

LOAD = 400


def attempts(queue: Queue = ADD) -> float:
    """Attempts burned and letters dead, so far."""
    retried = REGISTRY.get_sample_value("momo_retries_total", {"queue": queue.name}) or 0.0
    dead = REGISTRY.get_sample_value("momo_dead_letters_total", {"queue": queue.name, "reason": "failed"}) or 0.0
    return retried + dead


async def test_a_lane_holds_its_messages_while_the_database_is_away(engine: Engine) -> None:
    before = attempts()
    async with proxy(engine.settings.meeting_db_url, 3306) as line:
        settings = replace(engine.settings, meeting_db_url=line.instead_of(engine.settings.meeting_db_url))
        async with working(settings, counters()) as worker:
            await engine.send(*(add(n) for n in range(LOAD)))
            await eventually(lambda: engine.count("inbox"))
            line.cut()
            await engine.send(*(add(n) for n in range(LOAD)))
            await eventually(lambda: not worker.ready)
            assert all(line.endswith(" does not reach its database") for line in worker.amiss())
            # nothing is acknowledged that is not committed
            await eventually(lambda: _held_or_committed(engine, worker, 2 * LOAD))
            line.mend()
            await eventually(lambda: _handled(engine, 2 * LOAD))
            await eventually(lambda: worker.ready)
    assert await engine.count("counters WHERE total = 2") == LOAD
    assert attempts() == before
    assert await engine.depth(ADD.name) == 0


async def test_a_lane_whose_sessions_are_killed_goes_on(engine: Engine) -> None:
    before = attempts()
    async with working(engine.settings, counters()):
        for _ in range(5):
            await engine.send(*(add(n) for n in range(100)))
            mine = await engine.database.rows("SELECT CONNECTION_ID()")
            for (session,) in await engine.database.rows(
                "SELECT id FROM information_schema.processlist WHERE db = 'engine' AND id <> %s", mine[0][0]
            ):
                await engine.database.change(f"KILL {session}")
        await eventually(lambda: _handled(engine, 500))
    assert await engine.count("counters WHERE total = 5") == 100
    assert attempts() == before


async def test_consuming_and_publishing_resume_when_the_broker_is_back(engine: Engine) -> None:
    before = attempts()
    async with proxy(engine.settings.amqp_url, 5672) as line:
        settings = replace(engine.settings, amqp_url=line.instead_of(engine.settings.amqp_url))
        async with working(settings, counters()) as worker:
            await engine.send(*(add(n, do="tell") for n in range(LOAD)))
            await eventually(lambda: engine.count("inbox"))
            line.cut()
            await engine.send(*(add(n, do="tell") for n in range(LOAD)))
            await eventually(lambda: not worker.ready)
            line.mend()
            await eventually(lambda: _settled(engine, 2 * LOAD), 20)
            await eventually(lambda: worker.ready)
    assert await engine.count("counters WHERE counter_id < 1000 AND total = 2") == LOAD
    assert attempts() == before
    # what was sent on is with its consumer, or still in the outbox for the relay: never twice, never gone
    sent_on = await engine.database.rows("SELECT COALESCE(SUM(total), 0) FROM counters WHERE counter_id >= %s", told(0))
    assert sent_on[0][0] <= 2 * LOAD
    assert sent_on[0][0] == 2 * LOAD or await engine.count("outbox") > 0
    assert await engine.depth(TOLD.dead_letter_queue) == 0


async def test_a_worker_that_starts_before_its_broker_waits_for_it(engine: Engine) -> None:
    async with proxy(engine.settings.amqp_url, 5672) as line:
        line.cut()
        settings = replace(engine.settings, amqp_url=line.instead_of(engine.settings.amqp_url))
        async with working(settings, counters(), ready=False) as worker:
            [sent] = await engine.send(add(1))
            assert not worker.ready
            line.mend()
            await eventually(lambda: engine.state(sent))


async def test_a_worker_stops_in_order_while_the_broker_is_away(engine: Engine) -> None:
    async with proxy(engine.settings.amqp_url, 5672) as line:
        settings = replace(engine.settings, amqp_url=line.instead_of(engine.settings.amqp_url), grace_seconds=2.0)
        async with working(settings, counters()) as worker:
            line.cut()
            await eventually(lambda: not worker.ready)
    assert not worker.ready


async def test_commands_are_handled_without_redis(engine: Engine) -> None:
    async with proxy(engine.settings.redis_url, 6379) as line:
        line.cut()
        settings = replace(engine.settings, redis_url=line.instead_of(engine.settings.redis_url))
        asked = [seal(add(n), message_id=fresh_id(), reply_to="gateway-1") for n in range(50)]
        async with working(settings, counters()):
            await engine.send(*asked)
            await eventually(lambda: _handled(engine, 50))
    assert [await engine.state(envelope.message_id) for envelope in asked] == ["done"] * 50
    assert await engine.depth(ADD.name) == 0


async def _handled(engine: Engine, count: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") == count


async def _settled(engine: Engine, count: int) -> bool:
    return await _handled(engine, count) and await engine.depth(ADD.name) == 0 and await engine.depth(TOLD.name) == 0


async def _held_or_committed(engine: Engine, worker: Worker, count: int) -> bool:
    held = worker._consumers.held
    # a commit whose answer was lost is held as well
    return held > 0 and held + await engine.count("inbox") >= count
