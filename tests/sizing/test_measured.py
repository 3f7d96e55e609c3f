"""What the costs are measured with: counters that count, and a mix whose commands cause what its data say."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest_asyncio

from contracts.payment import DEFAULT_REFUND_POLICY
from momo.bench.cost import way_cost
from momo.bench.ground import Ground, Size, reset
from momo.bench.hearing import hearing
from momo.bench.meetings import open_meetings
from momo.bench.shop import Shop, shopping
from momo.bench.sized import settled, whole
from momo.bench.ways import AMOUNT, WAYS, open_accounts
from momo.live import push_channel
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.sizing.mix import MIX
from momo.store.connection import connected

TINY = Size(spread=300, seconds=0.5)
IDLE = dict.fromkeys(("worker_us", "rabbitmq_us", "mariadb_us", "redis_us"), 0.0)
ENDS = {
    "follow": ("follow",),
    "free": ("join a free meeting",),
    "free and leave": ("join a free meeting", "leave a free meeting"),
    "paid": ("join a paid meeting", "pay"),
    "paid and leave": ("join a paid meeting", "pay", "leave a paid meeting"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(servers: Servers) -> AsyncIterator[Ground]:
    said: list[str] = []
    settings = msgspec.structs.replace(await prepare(servers, "sizing"), log_level="WARNING")
    yield Ground(settings=settings, servers=servers, size=TINY, say=said.append)


async def test_a_way_tells_what_each_part_used_for_a_message(ground: Ground) -> None:
    found = await way_cost(ground, msgspec.structs.replace(WAYS["meeting"], rates=(100,)), IDLE)
    assert found.keys() == {"100", "bulk"}
    for figures in found.values():
        for part in ("worker_us", "rabbitmq_us", "mariadb_us", "amqp_bytes", "sql_bytes", "mariadb_log_bytes"):
            assert figures[part] > 0, part
    alone, bulk = found["100"], found["bulk"]
    assert 1 <= alone["flush"] < bulk["flush"] <= ground.settings.batch
    assert alone["mariadb_fsyncs"] > bulk["mariadb_fsyncs"]
    assert alone["worker_us"] > bulk["worker_us"]


async def test_each_command_of_the_mix_causes_the_messages_that_its_data_say(ground: Ground) -> None:
    settings = ground.settings
    await reset(settings)
    async with connected(settings.db_url("meeting")) as database:
        free = await open_meetings(database, 20)
        paid = await open_meetings(database, 20, fee=AMOUNT, policy=DEFAULT_REFUND_POLICY)
    await open_accounts(settings)
    async with whole(settings) as (_, workers), aiohttp.ClientSession() as client:
        shop = Shop(settings, client, free, paid)
        async with hearing(settings, push_channel(0).replace("0", "*"), shop.notice):
            await shopping(shop, rate=50, commands=100)
            await settled(workers)
        handled: Counter[str] = Counter()
        for worker in workers:
            handled.update(
                {name: int(n) for name, n in (await worker.figures()).items() if n and name.endswith("queue")}
            )
    visits = list(itertools.islice(shop.visits(), 74))
    acts = Counter(act for visit in visits for act in ENDS[visit])
    assert acts.total() == shop.commands == 100
    assert {name: acts[name] / 100 for name in MIX} == {name: act.share for name, act in MIX.items()}
    expected: Counter[str] = Counter()
    for act, count in acts.items():
        expected.update({queue: count * each for queue, each in MIX[act].handled.items()})
    assert handled == expected
