"""Two database servers: what a client was told is on both, one at a time takes writes, and clients follow it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from momo.chaos.ports import lasting_ports
from momo.hosts.network import Host, network
from momo.hosts.pair import USER, Half, Pair
from momo.local.ports import Ports
from momo.local.servers import running
from momo.store.connection import Connection, connected
from momo.store.errors import StoreUnavailable
from momo.store.pool import Pool
from tests.hosts.conftest import needs_hosts
from tests.waiting import eventually

pytestmark = needs_hosts
DATABASE = "momo_pair"


@asynccontextmanager
async def paired(folder: Path) -> AsyncIterator[tuple[Pair, list[Host]]]:
    """A leader with a table, and its follower."""
    async with network(["d", "e"]) as hosts:
        for host in hosts:
            (folder / host.name).mkdir()
        pair = Pair(folder, Ports(folder, {"mariadb": next(lasting_ports())}), hosts)
        async with running(pair.halves):
            await pair.begin()
            await pair.leader.sql(
                f"CREATE DATABASE {DATABASE}", f"CREATE TABLE {DATABASE}.told (number INT PRIMARY KEY)"
            )
            yield pair, hosts


async def test_promotion_keeps_what_was_told_and_clients_follow(tmp_path: Path) -> None:
    async with paired(tmp_path) as (pair, [_, follower]):
        url = pair.url(USER, DATABASE)
        pool = Pool(url)
        async with connected(url) as database:
            await database.change("INSERT INTO told VALUES (1)")
            assert await pool.rows("SELECT number FROM told") == [(1,)]

            # with its follower out of reach the leader answers no commit, so none can be lost with it
            await follower.cut()
            late = asyncio.create_task(database.change("INSERT INTO told VALUES (2)"))
            done, _ = await asyncio.wait({late}, timeout=1.5)
            assert not done
            await follower.heal()
            await asyncio.wait_for(late, 20)

            former = pair.leader
            await former.kill()
            await pair.promote()
            with pytest.raises(StoreUnavailable):
                await database.rows("SELECT 1")
        assert await pool.rows("SELECT number FROM told ORDER BY number") == [(1,), (2,)]
        await pool.stop()

        # who comes back does not take writes, whoever still knows its address alone
        await former.start()
        async with connected(f"mysql://{USER}@{former.place.address}:{former.port}/{DATABASE}") as database:
            with pytest.raises(StoreUnavailable, match="read-only"):
                await database.change("INSERT INTO told VALUES (3)")
        async with connected(url) as database:
            await database.change("INSERT INTO told VALUES (4)")
        await former.follow(pair.leader)
        await eventually(lambda: _has(former, 4))


async def test_a_server_that_becomes_read_only_is_left_for_the_other(tmp_path: Path) -> None:
    async with paired(tmp_path) as (pair, _):
        url = pair.url(USER, DATABASE)
        connection = await Connection.open(url)
        await pair.leader.sql("SET GLOBAL read_only=1")
        with pytest.raises(StoreUnavailable, match="read-only"):
            await connection.change("INSERT INTO told VALUES (1)")
        assert connection.closed
        with pytest.raises(StoreUnavailable, match="takes no writes"):
            await Connection.open(url)
        await pair.promote()
        async with connected(url) as database:
            assert await database.change("INSERT INTO told VALUES (1)") == 1
            assert await database.rows("SELECT @@server_id") == [(2,)]


async def test_a_server_that_falls_silent_is_given_up_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("momo.silence.SILENCE_SECONDS", 2)
    async with paired(tmp_path) as (pair, [leader, _]):
        connection = await Connection.open(pair.url(USER, DATABASE))
        await leader.cut()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await connection.rows("SELECT 1")
        assert time.monotonic() - began < 10  # a statement is given 30 s
        await leader.heal()


async def _has(half: Half, number: int) -> bool:
    rows = await half.sql(f"SELECT number FROM {DATABASE}.told WHERE number = {number}")
    return bool(rows)
