"""Contention: locks that others hold cost time, no attempt and no neighbour."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace
from prometheus_client import REGISTRY

from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.store.connection import connected
from tests.engine.counter import ADD, add, counters
from tests.engine.engine import Engine, working
from tests.engine.letters import delivery
from tests.waiting import eventually

ONE_LANE = 1


async def test_a_record_locked_for_long_is_postponed_with_no_attempt_burned_and_others_go_on(engine: Engine) -> None:
    await engine.database.change("INSERT INTO counters VALUES (2, 0, 0, '')")
    settings = replace(engine.settings, lanes=ONE_LANE)
    locked = replace(seal(add(2, 5), message_id=fresh_id()), attempt=3)
    async with connected(settings.meeting_db_url, autocommit=False) as other:
        await other.rows("SELECT * FROM counters WHERE counter_id = 2 FOR UPDATE")
        await engine.send(locked, *(add(n) for n in range(3, 20)))
        async with working(settings, counters()):
            await eventually(lambda: _count(engine, "inbox", 17))
            waiting = await engine.take("momo.delay.1000")
            assert waiting.headers["x-attempt"] == 3
            assert waiting.message_id == locked.message_id
            assert await engine.state(locked.message_id) == ""
            await other.rollback()
            await engine.send(locked)
            await eventually(lambda: engine.state(locked.message_id))
    assert await engine.total(2) == 5
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_the_victim_of_a_deadlock_is_run_again(engine: Engine) -> None:
    rows = ",".join(f"({n}, 0, 0, '')" for n in range(1, 400))
    await engine.database.change(f"INSERT INTO counters VALUES {rows}")
    before = _contention()
    async with connected(engine.settings.meeting_db_url, autocommit=False) as other:
        # the one that has changed less is the victim: not this one
        await other.change("UPDATE counters SET total = 100 WHERE counter_id > 1")
        settings = replace(engine.settings, lanes=ONE_LANE)
        both = [delivery(ADD, add(n)) for n in (1, 2)]
        async with working(settings, counters()) as worker:
            for message in both:
                worker.lanes[0].put(message)
            await eventually(lambda: _a_flush_waits(engine))
            await other.change("UPDATE counters SET total = 100 WHERE counter_id = 1")
            await other.commit()
            await eventually(lambda: _count(engine, "inbox", 2))
    assert _contention() > before
    assert all(message.ledger.held == 0 for message in both)
    assert [await engine.total(n) for n in (1, 2, 3)] == [101, 101, 100]


async def test_two_workers_on_the_same_counters_lose_no_addition(engine: Engine) -> None:
    total = 1_200
    async with working(engine.settings, counters()), working(engine.settings, counters()):
        for _ in range(4):
            await engine.send(*(add(n % 3) for n in range(total // 4)))
        await eventually(lambda: _count(engine, "inbox", total), 20)
    assert [await engine.total(n) for n in range(3)] == [total // 3] * 3
    assert await engine.count("counter_steps") == total
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_control_without_row_locks_additions_are_lost(engine: Engine) -> None:
    """What the lock is for: two transactions that read before either has written leave one addition."""
    await engine.database.change("INSERT INTO counters VALUES (1, 0, 0, '')")

    async def add_one(lock: str, barrier: asyncio.Barrier | None) -> None:
        async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
            [(value,)] = await database.rows(f"SELECT total FROM counters WHERE counter_id = 1 {lock}")
            if barrier is not None:
                await barrier.wait()
            await database.change("UPDATE counters SET total = %s WHERE counter_id = 1", value + 1)
            await database.commit()

    barrier = asyncio.Barrier(2)
    await asyncio.gather(add_one("", barrier), add_one("", barrier))
    assert await engine.total(1) == 1
    await asyncio.gather(add_one("FOR UPDATE", None), add_one("FOR UPDATE", None))
    assert await engine.total(1) == 3


def _contention() -> float:
    return REGISTRY.get_sample_value("momo_flush_contention_total", {"lane": "meeting-0"}) or 0.0


async def _count(engine: Engine, table: str, count: int) -> bool:
    return await engine.count(table) == count


async def _a_flush_waits(engine: Engine) -> bool:
    # information_schema.innodb_trx is a copy that polling keeps from being renewed
    status = str(await engine.database.rows("SHOW ENGINE INNODB STATUS"))
    # what comes before tells of the latest deadlock, which may be another test's
    return "LOCK WAIT" in status.rpartition("TRANSACTIONS")[2]
