"""From empty servers to a seat: the Compose file's jobs make users, tables and queues; its processes work as them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import aiormq
import pytest
import pytest_asyncio

from momo.broker.management import ask
from momo.local.servers import Servers
from momo.settings import load
from momo.store.connection import connected
from momo.store.errors import StoreError
from tests.compose.secrets import made
from tests.compose.site import Site, administrators
from tests.compose.test_servers import started
from tests.flows.members import Stage
from tests.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Servers as their images start them, and the jobs in the order in which they wait for each other."""
    secrets = tmp_path_factory.mktemp("compose") / "secrets"
    passwords = await made(secrets)
    await administrators(servers, passwords["admin"])
    async with started(secrets) as redis_port:
        found = Site(servers, secrets, redis_port)
        for job in ("grants", "migrate", "topology"):
            assert await found.ended(job) == (0, ""), job
        yield found


async def test_members_take_seats_and_hear_of_it_as_users_of_their_own(site: Site) -> None:
    names = ("user-worker", "meeting-worker", "notification-worker", "meeting-relay", "user-service", "meeting-service")
    async with site.running(*names):
        settings = load(site.environment("user-service"))
        addresses = {name: f"http://127.0.0.1:{site.port(name)}" for name in ("user-service", "meeting-service")}
        async with (
            aiohttp.ClientSession(addresses["user-service"]) as at_users,
            aiohttp.ClientSession(addresses["meeting-service"]) as at_meetings,
        ):
            host, member = [await Stage(settings, at_users).member() for _ in range(2)]
            host.stage = member.stage = Stage(settings, at_meetings)
            meeting = await host.opens(capacity=2)
            assert (await member.joins(meeting))["status"] == "seated"
        operator = load(site.environment("migrate"))
        async with connected(operator.notification_db_url) as database:

            async def told() -> bool:
                return bool(await database.rows("SELECT 1 FROM notifications WHERE member_id = %s", host.member_id))

            await eventually(told)


async def test_a_second_start_changes_nothing(site: Site) -> None:
    for job in ("grants", "migrate", "topology"):
        assert await site.ended(job) == (0, ""), job


async def test_a_user_with_another_ones_password_is_refused_everywhere(site: Site) -> None:
    wrong = {"MOMO_PASSWORD_FILE": str(site.secrets / "momo_user")}
    settings = load(site.environment("meeting-worker", **wrong))
    with pytest.raises(aiormq.exceptions.AMQPConnectionError, match="ACCESS_REFUSED"):
        await aiormq.connect(settings.amqp_url)
    with pytest.raises(StoreError, match="Access denied for user 'momo_meeting'"):
        async with connected(settings.meeting_db_url):
            pass
    code, said = await site.ended("migrate", **wrong)
    assert (code, said.count("\n")) == (2, 1)
    assert "Access denied for user 'momo_operator'" in said


@pytest.mark.parametrize("secret", ["admin", "momo_payment"])
async def test_users_are_made_by_the_administrators_alone_and_only_with_every_password(site: Site, secret: str) -> None:
    file = site.secrets / secret
    kept = file.read_text()
    try:
        file.write_text("" if secret != "admin" else "guessed")
        code, said = await site.ended("grants")
    finally:
        file.write_text(kept)
    assert (code, said.count("\n"), "guessed" in said) == (2, 1, False)
    assert said.startswith("momo: RabbitMQ's management API can't be used" if secret == "admin" else f"momo: {file}")


async def test_a_changed_password_holds_after_the_next_start(site: Site, servers: Servers) -> None:
    file = site.secrets / "momo_monitor"
    address = servers.amqp_management_url

    async def sees(password: str) -> bool:
        try:
            return bool(await ask(address.replace("guest:guest", f"momo_monitor:{password}"), "GET", "nodes"))
        except aiohttp.ClientResponseError:
            return False

    before = file.read_text().strip()
    assert await sees(before)
    file.write_text("a-newer-one\n")
    assert await site.ended("grants") == (0, "")
    assert (await sees(before), await sees("a-newer-one")) == (False, True)


async def test_the_operator_compares_the_broker_with_the_topology(site: Site) -> None:
    settings = load(site.environment("topology"))
    queues = await ask(settings.amqp_management_url, "GET", "queues", "compose")
    assert any(queue["name"] == "meeting.join.queue" for queue in queues)
