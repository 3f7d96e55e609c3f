"""Each service works with users of its own, and reaches nothing with them that is another's."""

from __future__ import annotations

import ast
import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import aiormq
import msgspec
import pytest
import pytest_asyncio
from aiormq.exceptions import ChannelAccessRefused

import handlers
from contracts.topology import DELAYS_MS, KEYS, QUEUES, exchange_of
from momo.broker.topology import check, topology
from momo.granting.apply import apply
from momo.grants import OPERATOR, SENDS, Access, accesses
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.local.stage import prepare, process
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from momo.store.errors import StoreError
from momo.store.migrate import folder, migrate_all
from tests.flows.members import Stage
from tests.waiting import eventually

PASSWORD = "a-password-of-its-own"
RESTRICTED = [access for access in accesses() if not access.everything]
BY_USER = pytest.mark.parametrize("access", RESTRICTED, ids=lambda access: access.user)


def as_user(settings: Settings, user: str) -> Settings:
    """`settings` with `user` in every URL of the broker and the databases."""

    def login(url: str) -> str:
        parts = urlsplit(url)
        return parts._replace(netloc=f"{user}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()

    databases = {f"{service}_db_url": login(settings.db_url(service)) for service in DATABASES}
    return msgspec.structs.replace(settings, amqp_url=login(settings.amqp_url), **databases)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def granted(servers: Servers) -> Settings:
    """Settings of the administrators; what `momo grants` says is carried out, and every user has a password."""
    settings = await prepare(servers, "grants")
    await apply(settings, {access.user: PASSWORD for access in accesses()})
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(granted: Settings) -> AsyncIterator[Stage]:
    """A whole MOMO, each process as the user of its own service."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process(granted, "toss-sandbox"))
        await stack.enter_async_context(process(as_user(granted, "momo_gateway"), "serve"))
        for service in DATABASES:
            own = as_user(granted, f"momo_{service}")
            await stack.enter_async_context(process(own, "work", service))
            await stack.enter_async_context(process(own, "relay", service))
        address = f"http://{granted.host}:{granted.port}"
        await until_ready(f"{address}/health/ready")
        client = await stack.enter_async_context(aiohttp.ClientSession(address))
        yield Stage(granted, client)


async def test_paid_join_leave_and_follow_work_with_restricted_users(stage: Stage) -> None:
    host, member, second = [await stage.member() for _ in range(3)]
    meeting = await host.opens(capacity=2, fee=10_000, holdSeconds=5)
    assert (await member.post(f"/users/{host.member_id}/follow")).status == 204
    async with member.listens() as at_member, second.listens() as at_second, host.listens() as at_host:
        await at_host.until("user.followed")
        await member.pays(await member.joins(meeting))
        await at_member.until("meeting.joined")
        assert (await second.joins(meeting))["status"] == "waiting"
        assert (await member.delete(f"/meetings/{meeting}/join")).status == 204
        await at_member.until("payment.refunded")
        offer = await at_second.until("meeting.offer")
    assert offer["meetingId"] == meeting


async def test_hold_expires_by_a_timer_and_a_withdrawal_is_carried_through(stage: Stage) -> None:
    host, member = [await stage.member() for _ in range(2)]
    meeting = await host.opens(capacity=2, fee=10_000, holdSeconds=5)
    await member.joins(meeting)

    async def expired() -> bool:
        return bool((await host.get(f"/meetings/{meeting}"))["held"] == 0)

    await eventually(expired, timeout=20)
    assert (await host.delete("/users/me")).status == 204

    async def called_off() -> bool:
        return bool((await member.get(f"/meetings/{meeting}"))["status"] == "cancelled")

    await eventually(called_off, timeout=20)


async def test_nothing_was_refused_or_lost_on_the_way(stage: Stage) -> None:
    """A refused publish would leave its message in an outbox, or retry it for ever."""
    for service in DATABASES:
        async with connected(stage.settings.db_url(service)) as database:

            async def empty() -> bool:
                return not await database.rows("SELECT outbox_id FROM outbox")

            await eventually(empty, timeout=10)
    connection = await aiormq.connect(stage.settings.amqp_url)
    channel = await connection.channel()
    for queue in QUEUES:
        assert (await channel.queue_declare(queue.dead_letter_queue, passive=True)).message_count == 0, queue.name
    await connection.close()


async def refused(connection: aiormq.abc.AbstractConnection, exchange: str, key: str) -> bool:
    """Whether a publish was refused."""
    channel = await connection.channel()
    try:
        await channel.basic_publish(b"{}", exchange=exchange, routing_key=key, timeout=5)
    except ChannelAccessRefused:
        return True
    await channel.close()
    return False


@BY_USER
async def test_user_publishes_under_no_key_but_its_own(granted: Settings, access: Access) -> None:
    own = {key for keys in access.keys.values() for key in keys}
    foreign = [(exchange_of(key), key) for key in set(KEYS.values()) - own]
    foreign += [(q.dead_letter_exchange, q.dead_letter_queue) for q in QUEUES if q.dead_letter_queue not in own]
    foreign += [("", QUEUES[0].name), ("amq.topic", "user.register")]
    if not access.exchanges:
        foreign += [(f"momo.delay.{ms}", QUEUES[0].name) for ms in DELAYS_MS]
    connection = await aiormq.connect(as_user(granted, access.user).amqp_url)
    reached = [place for place in foreign if not await refused(connection, *place)]
    await connection.close()
    assert reached == []


@BY_USER
async def test_user_reads_no_queue_but_its_own_and_declares_none(granted: Settings, access: Access) -> None:
    names = [queue.name for queue in topology().queues if queue.name not in access.queues]
    connection = await aiormq.connect(as_user(granted, access.user).amqp_url)
    reached = []
    for name in names:
        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            reached.append((name, await channel.basic_get(name)))
    channel = await connection.channel()
    with pytest.raises(ChannelAccessRefused):
        await channel.queue_declare("a.queue.of.mine")
    await connection.close()
    assert reached == []
    assert len(names) > 40


@BY_USER
async def test_user_reaches_no_database_but_its_own_and_changes_no_table_there(
    granted: Settings, access: Access
) -> None:
    own = as_user(granted, access.user)
    for service in set(DATABASES) - set(access.services):
        with pytest.raises(StoreError):
            async with connected(own.db_url(service)) as database:
                await database.rows("SELECT 1")
    for service in access.services:
        async with connected(own.db_url(service)) as database:
            assert await database.rows("SELECT COUNT(*) FROM inbox")
            for ddl in ("CREATE TABLE mine (id INT)", "DROP TABLE inbox", "ALTER TABLE inbox ADD COLUMN mine INT"):
                with pytest.raises(StoreError, match="denied"):
                    await database.change(ddl)
            if "DELETE" not in access.privileges:
                with pytest.raises(StoreError, match="denied"):
                    await database.change("DELETE FROM inbox")


async def test_operator_migrates_and_declares(granted: Settings) -> None:
    operator = as_user(granted, OPERATOR)
    async with connected(operator.db_url("user")) as database:
        await database.change("DROP DATABASE " + urlsplit(operator.db_url("user")).path[1:])
    assert (await migrate_all(operator, folder()))["user"]
    assert await check(operator.amqp_url, granted.amqp_management_url, topology()) == []


@pytest.mark.parametrize("service", DATABASES)
def test_what_a_service_may_send_is_what_its_handlers_send(service: str) -> None:
    """Read from their source: the messages they build, and their own command where they send it on."""
    built: set[str] = set()
    for file in Path(next(iter(handlers.__path__)), service).glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                built.add(node.func.id)
            if isinstance(node, ast.List) and any(isinstance(e, ast.Name) and e.id == "command" for e in node.elts):
                module = importlib.import_module(f"handlers.{service}.{file.stem}")
                built.add(module.decide.__annotations__["command"])
    assert built & {contract.__name__ for contract in KEYS} == {contract.__name__ for contract in SENDS[service]}
