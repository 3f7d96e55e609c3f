"""Overload: writes to a queue that lags are turned away, nothing else is, and what is kept is bounded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from momo.bench.meetings import open_meetings
from momo.gateway import outcomes
from momo.gateway.entrance import Entrance
from momo.gateway.server import running
from momo.gateway.tokens import Member, Tokens
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import Settings
from momo.store.connection import connected
from tests.engine.engine import working
from tests.waiting import eventually
from workers.meeting import service

LAG_SECONDS = 2.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowded(servers: Servers) -> Settings:
    return msgspec.structs.replace(await prepare(servers, "overload"), port=0, shed_lag_seconds=LAG_SECONDS)


class Gate:
    """One gateway, and members who join a meeting there."""

    def __init__(self, client: aiohttp.ClientSession, settings: Settings, meeting: int) -> None:
        self.client = client
        self.path = f"/api/v2/meetings/{meeting}/join"
        self.accepted: list[str] = []
        self._tokens = Tokens(settings.token_secret)

    async def ask(
        self, method: str, path: str, member_id: int = 1, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        member = Member(member_id=member_id, nickname="m", role="member")
        sent = {"Authorization": f"Bearer {self._tokens.sign(member)}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, json=body, headers=sent) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    async def join(self, member_id: int, **headers: str) -> tuple[int, Any, dict[str, str]]:
        status, body, given = await self.ask("POST", self.path, member_id, **headers)
        if status == 202:
            self.accepted.append(given["Location"])
        return status, body, given


@asynccontextmanager
async def gate(settings: Settings) -> AsyncIterator[Gate]:
    async with connected(settings.db_url("meeting")) as database:
        meeting = await open_meetings(database, 1)
    async with (
        running(settings) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        yield Gate(client, settings, meeting)


async def until_shed(here: Gate, first_member: int) -> tuple[float, Any, dict[str, str]]:
    """Joins, ten a second, until one is turned away: after how long, and the answer."""
    began = asyncio.get_running_loop().time()
    for number in range(200):
        status, body, headers = await here.join(first_member + number)
        if status != 202:
            assert status == 503
            return asyncio.get_running_loop().time() - began, body, headers
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was turned away")


async def test_a_queue_that_lags_takes_no_more_until_its_worker_is_back(crowded: Settings) -> None:
    key = str(uuid4())
    async with gate(crowded) as here:
        async with working(crowded, service):
            done = await here.join(1, Idempotency_Key=key, Prefer="wait=10")
            assert done[0] == 200
        after, body, headers = await until_shed(here, 10)
        assert LAG_SECONDS / 2 <= after <= LAG_SECONDS + 4
        assert body["type"] == "/problems/overloaded"
        assert 1 <= int(headers["Retry-After"]) <= 30
        # what was handled is answered, reads are, and so are commands to other queues
        assert (await here.join(1, Idempotency_Key=key))[:2] == done[:2]
        assert (await here.ask("GET", here.path.removesuffix("/join")))[0] == 200
        assert (await here.ask("GET", here.accepted[0], 10))[1]["state"] == "pending"
        assert (await here.ask("DELETE", here.path, 9_000))[0] == 202
        # a key of which nothing is known yet is no way around it
        assert (await here.join(9_001, Idempotency_Key=str(uuid4())))[0] == 503
        shed = await _metric(here, "momo_gateway_shed_total", "meeting.join.queue")
        assert shed == 2
        async with working(crowded, service):
            await eventually(lambda: _joins(here, 9_002))
            for number, location in enumerate(here.accepted[:-1]):
                await eventually(lambda n=number, at=location: _is_done(here, at, 10 + n))  # type: ignore[misc]


async def test_a_gateway_sheds_what_others_have_published(crowded: Settings) -> None:
    async with gate(crowded) as here, gate(crowded) as there:
        await until_shed(here, 20_000)
        assert (await there.ask("GET", "/health/live"))[0] == 200
        await eventually(lambda: _turned_away(there))
    async with gate(crowded) as anew:
        # it has seen neither a publish nor an empty queue
        await eventually(lambda: _turned_away(anew), LAG_SECONDS)
        async with working(crowded, service):
            await eventually(lambda: _joins(anew, 29_000))


async def test_without_redis_a_gateway_sheds_by_its_own_count(crowded: Settings) -> None:
    alone = msgspec.structs.replace(crowded, redis_url="redis://127.0.0.1:1/0")
    async with gate(alone) as here:
        after, _, _ = await until_shed(here, 30_000)
        assert LAG_SECONDS / 2 <= after <= LAG_SECONDS + 4
        async with working(crowded, service):
            await eventually(lambda: _joins(here, 39_000))


async def test_where_too_many_wait_no_more_is_waited_for(crowded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_WAITING", 3)
    async with gate(crowded) as here:
        await eventually(lambda: _joins(here, 40_000))
        waiting = [asyncio.ensure_future(here.join(40_001 + n, Prefer="wait=20")) for n in range(3)]
        await eventually(lambda: _under_way(here, 4))
        status, _, headers = await here.join(40_010, Prefer="wait=20")
        assert (status, "Preference-Applied" in headers) == (202, False)
        async with working(crowded, service):
            assert [(await answer)[0] for answer in waiting] == [200] * 3


async def test_no_more_requests_are_under_way_than_the_entrance_lets_in() -> None:
    entrance = Entrance(most=2)
    leave = asyncio.Event()
    statuses: Counter[int] = Counter()

    async def app(_: Any, __: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await leave.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def ask(path: str) -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await entered({"type": "http", "path": path}, None, send)
        statuses[sent[0]["status"]] += 1
        return sent

    entered: Any = entrance.middleware(app)
    tasks = [asyncio.create_task(ask(path)) for path in ("/api", "/api", "/health/ready")]
    await asyncio.sleep(0)
    start, body = await ask("/api")
    assert (b"retry-after", b"2") in start["headers"]
    assert msgspec.json.decode(body["body"])["type"] == "/problems/overloaded"
    leave.set()
    await asyncio.gather(*tasks)
    await ask("/api")
    assert (statuses, entrance.under_way) == ({503: 1, 204: 4}, 0)


async def _metric(here: Gate, name: str, queue: str) -> float:
    async with here.client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f'{name}{{queue="{queue}"')), 0.0)


async def _joins(here: Gate, member_id: int) -> bool:
    return (await here.join(member_id))[0] == 202


async def _turned_away(here: Gate) -> bool:
    return (await here.join(50_000))[0] == 503


async def _is_done(here: Gate, location: str, member_id: int) -> bool:
    return bool((await here.ask("GET", location, member_id))[1]["state"] == "done")


async def _under_way(here: Gate, count: int) -> bool:
    async with here.client.get("/metrics") as answer:
        return f"momo_gateway_requests_under_way {count}.0" in await answer.text()
