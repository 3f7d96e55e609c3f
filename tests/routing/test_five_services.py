"""Five services behind one balancer: a whole day of the demo, and what is left while one of them is away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from momo.demo import demo
from momo.gateway.internal import internal_secret
from momo.gateway.problems import RETRY_AFTER_SECONDS
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import SERVICES
from tests.flows.members import Member
from tests.routing.five import Five, five
from tests.waiting import eventually

READS = {
    "user": "/api/v2/users/me",
    "category": "/api/v2/categories",
    "meeting": "/api/v2/meetings",
    "payment": "/api/v2/payments",
    "notification": "/api/v2/notifications/unread",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Five]:
    async with five(await prepare(servers, "five"), tmp_path_factory.mktemp("five")) as running:
        yield running


async def statuses(site: Five, member: Member) -> dict[str, int]:
    """What a read of each service is answered through the balancer."""
    return {service: (await site.ask(path, **member.headers))[0] for service, path in READS.items()}


async def state_of(site: Five, location: str, member: Member) -> str:
    status, body = await site.ask(location, **member.headers)
    assert status == 200, body
    return str(body["state"])


async def done(site: Five, location: str, member: Member) -> bool:
    return await state_of(site, location, member) == "done"


async def test_a_day_of_the_demo_through_the_balancer_leaves_no_difference(site: Five) -> None:
    report = await demo(
        site.address,
        site.settings.toss_url,
        members=10,
        seed=7,
        progress=False,
        internal_secret=internal_secret(site.settings.token_secret),
        internal_url=site.gateway("notification"),
    )
    assert report.differences == []
    assert report.taken > report.returned > 0
    assert report.resumed > 0


@pytest.mark.parametrize("away", ["user", "meeting"])
async def test_only_its_own_routes_are_away_with_a_gateway(site: Five, away: str) -> None:
    host, guest = await site.stage.member(), await site.stage.member()
    meeting = await host.opens(capacity=5)
    sent = await guest.post(f"/meetings/{meeting}/join", Prefer="")
    assert sent.status == 202
    await site.kill(f"serve {away}")
    assert await statuses(site, guest) == {service: 503 if service == away else 200 for service in SERVICES}
    # a meeting shows its host as the user service knows them, or knew them
    assert (await site.ask(f"/api/v2/meetings/{meeting}"))[0] == (503 if away == "meeting" else 200)
    refused = await guest.post("/users/1/follow" if away == "user" else f"/meetings/{meeting}/join")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.body["type"] == "/problems/unavailable"
    assert refused.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    # what had been accepted is carried out, and told by the gateways that are left
    await eventually(lambda: done(site, sent.headers["Location"], guest))
    await site.start(f"serve {away}")
    await site.ready(away)
    assert await statuses(site, guest) == dict.fromkeys(SERVICES, 200)


async def test_what_was_accepted_while_no_worker_ran_is_done_when_one_is_back(site: Five) -> None:
    host, guest = await site.stage.member(), await site.stage.member()
    meeting = await host.opens(capacity=5)
    await site.kill("work meeting")
    sent = await guest.post(f"/meetings/{meeting}/join", Prefer="wait=1")
    assert sent.status == 202
    assert await state_of(site, sent.headers["Location"], guest) == "pending"
    assert (await guest.post(f"/users/{host.member_id}/follow")).status == 204
    assert await state_of(site, sent.headers["Location"], guest) == "pending"
    await site.start("work meeting")
    await eventually(lambda: done(site, sent.headers["Location"], guest), timeout=30)
    assert (await guest.get(f"/meetings/{meeting}/join"))["status"] == "seated"
