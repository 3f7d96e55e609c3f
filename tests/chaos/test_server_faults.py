"""Each fault of MariaDB, Redis, Toss and the wires really happens, and the site settles again afterwards."""

from __future__ import annotations

import asyncio
import random
import time
from base64 import b64encode
from collections.abc import Awaitable
from typing import Any

import aiohttp
import aiormq
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.chaos.faults import wire
from momo.chaos.site import Site
from momo.local.ports import is_free
from momo.settings import DATABASES
from momo.store.connection import connected
from momo.store.errors import StoreContention
from tests.chaos.striking import gives, has_consumers, inside, opened, refused, seen, striking, through
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("short")


# MariaDB


async def test_mariadb_is_killed_and_comes_back(site: Site) -> None:
    before = site.servers.mariadb.pid
    await seen(site, "kill-mariadb", lambda: is_free(site.servers.mariadb.port))
    assert site.servers.mariadb.pid != before


async def test_mariadb_refuses_to_write(site: Site) -> None:
    async def write() -> None:
        async with connected(inside(site)) as meetings:
            await meetings.change("DELETE FROM outbox WHERE 1 = 0")

    await seen(site, "read-only", lambda: refused(write(), "1290"))
    await write()


async def test_mariadb_has_no_place_for_another_connection(site: Site) -> None:
    async def connect() -> None:
        async with connected(inside(site)):
            return

    await seen(site, "fill-connections", lambda: refused(connect(), "1040"))
    await connect()


async def test_the_rows_of_meetings_are_held_by_somebody_else(site: Site) -> None:
    meeting = await opened(site)
    async with connected(inside(site)) as meetings:

        async def held() -> bool:
            try:
                await meetings.rows("SELECT 1 FROM meetings WHERE meeting_id = %s FOR UPDATE NOWAIT", meeting)
            except StoreContention:
                return True
            return False

        await seen(site, "lock-rows", held)
        assert not await held()


async def test_the_tables_of_a_service_are_held_by_somebody_else(site: Site) -> None:
    service = random.Random(7).choice(DATABASES)
    async with connected(inside(site, service)) as tables:
        await tables.change("SET SESSION lock_wait_timeout = 0")

        async def held() -> bool:
            try:
                await tables.rows("SELECT COUNT(*) FROM inbox")
            except StoreContention:
                return True
            return False

        await seen(site, "lock-tables", held)
        assert not await held()


# Redis


async def test_redis_is_emptied(site: Site) -> None:
    async with Redis.from_url(site.settings.redis_url) as redis:
        await redis.set("momo-tests", "there")
        async with striking(site, "flush-redis"):
            await eventually(lambda: gives(redis.exists("momo-tests"), 0))


# the wires


async def test_the_wires_are_cut(site: Site) -> None:
    async with striking(site, "cut-amqp", "cut-mysql", "cut-redis") as strikes:
        await eventually(lambda: not any(site.proxies[name].sources for name in ("amqp", "mysql", "redis")))
        await eventually(lambda: has_consumers(site, "meeting.join.queue", 0))
        assert not any(strike.done() for strike in strikes)


async def test_the_wires_are_slow(site: Site) -> None:
    meetings = through(site, "mysql", inside(site))
    async with (
        connected(meetings) as database,
        Redis.from_url(through(site, "redis", site.settings.redis_url)) as redis,
    ):
        await redis.ping()
        amqp = await aiormq.connect(through(site, "amqp", site.settings.amqp_url))
        async with striking(site, "slow-amqp", "slow-mysql", "slow-redis"):
            await asyncio.sleep(0)
            took = await asyncio.gather(_took(database.rows("SELECT 1")), _took(redis.ping()), _took(amqp.channel()))
        assert min(took) > wire.SLOW_LATENCY
        assert max(await asyncio.gather(_took(database.rows("SELECT 1")), _took(redis.ping()))) < wire.SLOW_LATENCY
        await amqp.close()


async def test_the_wires_are_reset_half_way(site: Site) -> None:
    resets = {name: site.proxies[name].resets for name in ("amqp", "mysql")}
    async with Redis.from_url(through(site, "redis", site.settings.redis_url), retry=None) as redis:
        await redis.ping()
        async with striking(site, "reset-amqp", "reset-mysql", "reset-redis"):
            await asyncio.sleep(0)
            with pytest.raises(RedisError):
                await redis.ping()
            await eventually(lambda: all(site.proxies[name].resets > before for name, before in resets.items()))


# Toss


async def test_toss_is_slow(site: Site) -> None:
    async with striking(site, "slow-toss"):
        await eventually(lambda: _confirm(site, slower_than=1.0), timeout=20)


async def test_toss_fails(site: Site) -> None:
    await seen(site, "fail-toss", lambda: _confirm(site, status={429, 500}))


async def test_toss_hangs_up_after_it_has_taken_the_money(site: Site) -> None:
    await seen(site, "hang-up-toss", lambda: _confirm(site, status={0}, taken=True))


async def test_toss_sends_its_webhooks_late(site: Site) -> None:
    async def pending() -> int:
        async with aiohttp.ClientSession(site.settings.toss_url) as http, http.get("/sandbox/health") as answer:
            return int((await answer.json())["webhooksPending"])

    async def still_pending() -> bool:
        await _confirm(site, status={200})
        await asyncio.sleep(0.5)  # long enough for one that is not held back
        return await pending() > before

    before = await pending()
    await seen(site, "repeat-webhooks", still_pending)
    await eventually(lambda: gives(pending(), before))


async def _confirm(
    site: Site, *, status: frozenset[int] | set[int] = frozenset({200}), slower_than: float = 0.0, taken: bool = False
) -> bool:
    """Whether a payment is confirmed with one of `status` (0: no answer), and so slowly, and the money was taken."""
    order, login = f"momo-tests-{time.monotonic_ns()}", b64encode(f"{site.settings.toss_secret_key}:".encode()).decode()
    async with aiohttp.ClientSession(site.settings.toss_url, headers={"Authorization": f"Basic {login}"}) as http:
        async with http.post("/sandbox/checkout", json={"orderId": order, "amount": 1_000}) as answer:
            payment = await answer.json()
        began, said = time.monotonic(), 0
        try:
            body = {name: payment[name] for name in ("paymentKey", "orderId", "amount")}
            async with http.post("/v1/payments/confirm", json=body) as answer:
                said = answer.status
        except aiohttp.ClientError:
            said = 0
        took = time.monotonic() - began
        async with http.get("/sandbox/ledger", params={"prefix": order}) as answer:
            money = (await answer.json())["taken"]
    return said in status and took > slower_than and (not taken or money == 1_000)


async def _took(work: Awaitable[Any]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began
