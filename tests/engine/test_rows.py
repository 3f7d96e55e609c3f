"""Records in bulk: conditions that use their index, and rows that come back as the records that were written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import ClassVar, Literal

import msgspec
import pytest_asyncio

from momo.actors import Record
from momo.settings import Settings
from momo.store.connection import Connection, connected
from momo.store.literal import tuples
from momo.store.rows import condition, table_of
from tests.engine.counter import Step
from tests.engine.engine import Engine


class Part(msgspec.Struct, frozen=True):
    name: str


class Thing(Record, frozen=True, kw_only=True):
    table: ClassVar = "things"
    key: ClassVar = ("thing_id",)
    thing_id: int
    name: str | None
    raw: bytes
    open: bool
    weight: float | None
    kind: Literal["a", "b"]
    at: datetime | None
    parts: tuple[Part, ...]


@pytest_asyncio.fixture(loop_scope="session")
async def things(engine_settings: Settings) -> AsyncIterator[Connection]:
    async with connected(engine_settings.meeting_db_url) as database:
        await database.change(
            "CREATE TEMPORARY TABLE things (thing_id BIGINT PRIMARY KEY, name VARCHAR(50), raw BLOB NOT NULL,"
            " open BOOL NOT NULL, weight DOUBLE, kind VARCHAR(1) NOT NULL, at DATETIME(6), parts TEXT NOT NULL)"
            " DEFAULT CHARSET utf8mb4"
        )
        yield database


def thing(number: int, name: str | None = "모모 🎉 ' \\") -> Thing:
    return Thing(
        thing_id=number,
        name=name,
        raw=b"\x00\xff'",
        open=number % 2 == 0,
        weight=None if name is None else 0.1,
        kind="a",
        at=None if name is None else datetime(2026, 5, 6, 7, 8, 9, 123456, UTC),
        parts=(Part("'\\"), Part("")),
    )


async def everything(database: Connection) -> list[Record]:
    table = table_of(Thing)
    return [table.read(row) for row in await database.rows(table.select + "TRUE ORDER BY thing_id")]


async def test_records_come_back_as_they_were_written(things: Connection) -> None:
    written = [thing(1), thing(2, None)]
    await things.change(table_of(Thing).insert(written))
    assert await everything(things) == written


async def test_an_update_replaces_whole_rows_and_a_delete_takes_them_away(things: Connection) -> None:
    table = table_of(Thing)
    await things.change(table.insert([thing(n) for n in (1, 2, 3)]))
    await things.change(table.update([thing(1, None), thing(3, "x")]))
    await things.change(table.delete([(2,)]))
    assert await everything(things) == [thing(1, None), thing(3, "x")]


async def test_a_condition_on_two_columns_reads_no_row_beside_those_it_names(engine: Engine) -> None:
    rows = [(counter, step, counter * 1_000 + step, 1) for counter in range(50) for step in range(20)]
    await engine.database.change("INSERT INTO counter_steps (counter_id,step,step_id,amount) VALUES " + tuples(rows))
    await engine.database.rows("ANALYZE TABLE counter_steps")
    keys = [(counter, step) for counter in (1, 7, 30) for step in (0, 5, 19)]
    sql = f"SELECT * FROM counter_steps WHERE {condition(('counter_id', 'step'), keys)}"
    explained = await engine.database.rows(f"EXPLAIN {sql}")
    assert [row[3] for row in explained] == ["range"]
    assert explained[0][5] == "PRIMARY"
    assert int(explained[0][8]) <= len(keys)
    assert {(row[0], row[1]) for row in await engine.database.rows(sql)} == set(keys)


async def test_a_lock_reads_by_index_for_many_keys(engine: Engine) -> None:
    rows = [(counter, 1, counter, 1) for counter in range(2_000)]
    await engine.database.change("INSERT INTO counter_steps (counter_id,step,step_id,amount) VALUES " + tuples(rows))
    await engine.database.rows("ANALYZE TABLE counter_steps")
    for columns, keys in ((("counter_id", "step"), [(n, 1) for n in range(256)]), (("step_id",), [(5,), (7,)])):
        explained = await engine.database.rows("EXPLAIN " + table_of(Step).lock(columns, keys))
        assert [row[3] for row in explained] == ["range"], columns
