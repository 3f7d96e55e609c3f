"""Each fault of processes and broker really happens, and the site settles again afterwards."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import aiormq
import pytest

from momo.broker.management import ask
from momo.chaos.faults import FAULTS, broker, processes
from momo.chaos.faults.locks import rows_locked, waiting
from momo.chaos.site import Site
from momo.local.ports import is_free
from momo.store.connection import connected
from tests.chaos.striking import gives, has_consumers, opened, publishing, refused, seated, seen, striking
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("short")


def test_every_kind_is_named_here() -> None:
    text = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*faults.py"))
    assert [kind for kind in FAULTS if f'"{kind}"' not in text] == []


async def test_a_worker_is_killed_with_messages_in_hand_and_none_is_lost(site: Site) -> None:
    meeting = await opened(site)
    lives = sum(child.lives for child in site.role("worker"))
    held = sent = 0
    async with publishing(site) as joins, striking(site, "kill-worker") as [strike]:
        while not strike.done():
            await joins(meeting, 5)
            sent += 5
            held = max(held, await waiting(site))
    assert held > 0, "no flush was caught by the lock"
    assert sum(child.lives for child in site.role("worker")) == lives + 1
    await eventually(lambda: gives(seated(site, meeting), sent), timeout=20)


async def test_relay_gateway_and_redis_are_killed_and_come_back(site: Site) -> None:
    lives = {child: child.lives for role in ("relay", "gateway") for child in site.role(role)}
    redis = site.servers.redis.pid
    async with striking(site, "kill-relay", "kill-gateway", "kill-redis"):
        await eventually(lambda: is_free(site.servers.redis.port))
    assert sorted(child.role for child, before in lives.items() if child.lives == before + 1) == ["gateway", "relay"]
    assert site.servers.redis.pid != redis


async def test_a_frozen_worker_is_given_up_by_the_broker_and_comes_back(site: Site) -> None:
    pids = {child.pid for child in site.role("worker")}
    async with striking(site, "freeze-worker") as [strike]:
        await eventually(lambda: any(_state(child.pid) == "T" for child in site.role("worker")))
        await eventually(lambda: has_consumers(site, "meeting.join.queue", 1), timeout=12)
        assert not strike.done()
    assert {child.pid for child in site.role("worker")} == pids, "the same processes, no new ones"


async def test_two_workers_decide_by_clocks_that_are_minutes_apart(site: Site) -> None:
    meeting = await opened(site)
    apart: set[int] = set()

    async def minutes_apart() -> bool:
        await joins(meeting, 2)
        async with connected(site.settings.db_url("meeting")) as inbox:
            [bounds] = await inbox.rows(
                "SELECT MIN(handled_at), MAX(handled_at) FROM inbox WHERE handled_at > %s", began
            )
        now = datetime.now(UTC)
        apart.update(round((at.replace(tzinfo=UTC) - now).total_seconds()) for at in bounds if at)
        return min(apart, default=0) < -processes.SKEW_SECONDS / 2 and max(apart) > processes.SKEW_SECONDS / 2

    began = datetime.now(UTC) - timedelta(seconds=processes.SKEW_SECONDS + 5)
    async with publishing(site) as joins:
        await seen(site, "skew-clocks", minutes_apart)
        before = datetime.now(UTC)
        await joins(meeting, 20)
        await eventually(lambda: _handled_about(site, before, 20))


async def test_a_deploy_replaces_every_process_and_one_gateway_always_answers(site: Site) -> None:
    pids = {child.pid for child in site.members}
    silent = 0
    async with aiohttp.ClientSession() as http, striking(site, "roll") as [strike]:
        while not strike.done():
            answers = await asyncio.gather(*(_ready(http, gateway) for gateway in site.gateways))
            silent += not any(answers)
            await asyncio.sleep(0.05)
    assert silent == 0
    assert not pids & {child.pid for child in site.members}


# RabbitMQ


async def test_rabbitmq_is_killed_and_comes_back_with_its_messages_consumed(site: Site) -> None:
    before = site.servers.rabbitmq.pid
    await seen(site, "kill-rabbitmq", lambda: is_free(site.servers.rabbitmq.port))
    assert site.servers.rabbitmq.pid != before


async def test_a_queue_is_deleted_under_its_consumers_and_what_was_published_meanwhile_was_refused(site: Site) -> None:
    async def deleted() -> int:
        overview = await ask(site.settings.amqp_management_url, "GET", "overview")
        return int(overview["churn_rates"].get("queue_deleted", 0))

    meeting, before = await opened(site), await deleted()
    async with publishing(site) as joins:
        async with striking(site, "delete-queue", seed=seed_of("meeting.join.queue")) as [strike]:
            await eventually(lambda: refused(joins(meeting, 1), "refused"))
            assert not strike.done()
        taken = await seated(site, meeting)
        await joins(meeting, 50)
        await eventually(lambda: gives(seated(site, meeting), taken + 50))
    async with asyncio.timeout(15):
        while await deleted() <= before:  # noqa: ASYNC110  # the figure is up to 5 s old
            await asyncio.sleep(0.2)


def seed_of(queue: str) -> int:
    return next(seed for seed in range(100) if random.Random(seed).choice(broker.COMMANDS) == queue)


async def test_under_a_policy_queues_refuse_what_nobody_takes(site: Site) -> None:
    meeting = await opened(site)
    async with publishing(site) as joins:
        async with striking(site, "change-policy") as [strike], rows_locked(site):
            # more than the workers take at once
            await eventually(lambda: refused(joins(meeting, 2_500), "refused"))
            assert not strike.done(), "seen only when it was over"

        async def accepted() -> bool:
            return not await refused(joins(meeting, 1), "refused")

        await eventually(accepted)


async def test_every_connection_is_closed_by_an_administrator(site: Site) -> None:
    before = site.proxies["amqp"].sources
    async with striking(site, "close-connections"):
        await eventually(lambda: not site.proxies["amqp"].sources & before)


async def test_every_channel_is_closed_by_the_server_and_no_connection(site: Site) -> None:
    before = site.proxies["amqp"].sources
    connection = await aiormq.connect(site.settings.amqp_url)
    channel = await connection.channel()
    async with striking(site, "close-channels"):
        await eventually(lambda: channel.is_closed)
        assert not connection.is_closed
        assert site.proxies["amqp"].sources >= before
    await connection.close()
    assert set((await site.consumers()).values()) == {2}, "a queue is consumed twice by the same worker"


async def test_a_full_disk_blocks_who_publishes(site: Site) -> None:
    meeting = await opened(site)

    async with publishing(site) as joins:
        await joins(meeting, 1)
        await seen(site, "fill-disk", lambda: refused(joins(meeting, 1), "not confirmed"))
        await joins(meeting, 1)


async def _handled_about(site: Site, then: datetime, count: int) -> bool:
    async with connected(site.settings.db_url("meeting")) as inbox:
        [(found,)] = await inbox.rows(
            "SELECT COUNT(*) FROM inbox WHERE handled_at BETWEEN %s AND %s", then, then + timedelta(seconds=30)
        )
    return int(found) >= count


async def _ready(http: aiohttp.ClientSession, gateway: str) -> bool:
    try:
        async with http.get(f"{gateway}/health/live") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _state(pid: int | None) -> str:
    """The state of a process as the kernel tells it: `T` is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] if pid else ""
