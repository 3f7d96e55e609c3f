"""Ids of new records: never the same twice, whichever lane or process takes them."""

from __future__ import annotations

import asyncio

import pytest

from momo.store.connection import connected
from momo.store.ids import BLOCK, Ids, IdsExhausted
from tests.engine.counter import ADD, add, counters
from tests.engine.engine import Engine, spawn, working
from tests.waiting import eventually


async def test_lanes_that_fetch_at_once_get_different_ids(engine: Engine) -> None:
    async def take(count: int) -> list[int]:
        ids = Ids()
        async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
            taken = []
            for _ in range(count):
                await ids.ensure(700, database)
                taken += [ids.take() for _ in range(700)]
        return taken

    taken = [number for part in await asyncio.gather(*(take(7) for _ in range(6))) for number in part]
    assert len(set(taken)) == len(taken) == 6 * 7 * 700
    assert max(taken) < 2**53


async def test_ids_run_out_only_where_nobody_fetched_them(engine: Engine) -> None:
    ids = Ids()
    with pytest.raises(IdsExhausted):
        ids.take()
    async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
        await ids.ensure(BLOCK + 1, database)
    assert ids.left == 2 * BLOCK
    assert len({ids.take() for _ in range(2 * BLOCK)}) == 2 * BLOCK
    with pytest.raises(IdsExhausted):
        ids.take()


async def test_two_processes_give_no_id_twice(engine: Engine) -> None:
    other = await spawn(engine.settings, ["-m", "tests.engine.process"])
    try:
        async with working(engine.settings, counters()):
            await eventually(lambda: _consumed_by_two(engine))
            await engine.send(*(add(n) for n in range(600)))
            await eventually(lambda: _handled(engine, 600))
    finally:
        other.terminate()
        assert await other.wait() == 0
    assert await engine.count("counter_steps WHERE step_id > 0") == 600


async def _consumed_by_two(engine: Engine) -> bool:
    return (await engine.publisher.look(ADD.name)).consumers == 2


async def _handled(engine: Engine, count: int) -> bool:
    return await engine.count("inbox") == count
