"""A stopping gateway leaves the balancer first and loses nobody's request; and so does a deploy of all under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from momo.bench.meetings import open_meetings
from momo.gateway.server import running
from momo.gateway.tokens import Member, Tokens
from momo.local.ports import free_port
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import Settings
from momo.store.connection import connected
from tests.engine.engine import spawn
from tests.gateway.balancer import balancing
from tests.waiting import eventually

DRAIN_SECONDS = 0.6
CLIENTS = 8
PACE_SECONDS = 0.03
"""Between a client's joins: enough of them to be in the way of every restart, and a core left to restart on."""
START_SECONDS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed(servers: Servers) -> Settings:
    return msgspec.structs.replace(await prepare(servers, "drain"), drain_seconds=DRAIN_SECONDS)


def authorized(settings: Settings, member_id: int) -> dict[str, str]:
    member = Member(member_id=member_id, nickname=f"m{member_id}", role="member")
    return {"Authorization": f"Bearer {Tokens(settings.token_secret).sign(member)}"}


async def test_a_stopping_gateway_is_not_ready_at_once_and_answers_until_balancers_have_noticed(
    deployed: Settings,
) -> None:
    settings = msgspec.structs.replace(deployed, port=0)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(settings))
        address = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(address) as client:
            async with client.get("/health/live") as answer:
                assert answer.headers.get("Connection") != "close"
            stopping = asyncio.ensure_future(stack.aclose())
            began = time.monotonic()
            await asyncio.sleep(0.05)
            async with client.get("/health/ready") as answer:
                assert (answer.status, (await answer.json())["draining"]) == (503, True)
                assert answer.headers["Connection"] == "close"
            # a new connection is still taken, a command still accepted
            headers = authorized(settings, 1)
            async with client.post("/api/v2/meetings/5/join", headers=headers) as answer:
                assert (answer.status, answer.headers["Connection"]) == (202, "close")
            await stopping
            assert DRAIN_SECONDS <= time.monotonic() - began < DRAIN_SECONDS + 2
            try:
                await client.get("/health/live")
            except aiohttp.ClientConnectionError:
                return
    raise AssertionError("it still takes connections")


async def test_waits_and_sockets_go_on_until_the_drain_is_over_and_end_then(deployed: Settings) -> None:
    settings = msgspec.structs.replace(deployed, port=0)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(settings))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            headers = authorized(settings, 2)
            waiting = asyncio.ensure_future(
                client.post("/api/v2/meetings/5/join", headers={**headers, "Prefer": "wait=30"})
            )
            socket = await client.ws_connect("/api/v2/notifications/stream?after=0", headers=headers)
            closing = asyncio.ensure_future(socket.receive())
            await asyncio.sleep(0.2)
            began = time.monotonic()
            stopping = asyncio.ensure_future(stack.aclose())
            await asyncio.sleep(DRAIN_SECONDS / 2)
            assert not waiting.done()
            assert not closing.done()
            answer = await waiting
            assert (answer.status, "Location" in answer.headers) == (202, True)
            assert ((await closing).type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1012)
            await stopping
            assert DRAIN_SECONDS <= time.monotonic() - began < DRAIN_SECONDS + 2


class Process:
    """`momo WORDS`, restarted in order when told."""

    def __init__(self, settings: Settings, *words: str) -> None:
        self._settings = settings
        self._words = words
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._child = await spawn(self._settings, ("-m", "momo", *self._words))

    async def stop(self) -> int:
        """SIGTERM; its exit code. Raises TimeoutError where it does not end within its grace period."""
        assert self._child is not None
        self._child.terminate()
        async with asyncio.timeout(self._settings.grace_seconds + 1):
            return await self._child.wait()

    async def restart(self) -> int:
        code = await self.stop()
        await self.start()
        return code


@asynccontextmanager
async def processes(settings: Settings, ports: Sequence[int]) -> AsyncIterator[tuple[list[Process], list[Process]]]:
    """Gateways on `ports`, and a worker with a relay behind them."""
    gateways = [Process(msgspec.structs.replace(settings, port=port), "serve") for port in ports]
    others = [Process(settings, "work"), Process(settings, "relay")]
    try:
        for process in (*gateways, *others):
            await process.start()
        yield gateways, others
    finally:
        for process in (*gateways, *others):
            await process.stop()


class Client:
    """Joins one meeting after the other through the balancer, repeats what is 503, and keeps what it was told."""

    def __init__(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        self.accepted: dict[str, int] = {}
        self.repeated = 0
        self._http = http
        self._headers = headers

    async def run(self, meetings: Sequence[int], stop: asyncio.Event) -> None:
        for meeting in meetings:
            if stop.is_set():
                return
            headers = {**self._headers, "Idempotency-Key": str(uuid4()), "Prefer": "wait=10"}
            while True:
                async with self._http.post(f"/api/v2/meetings/{meeting}/join", headers=headers) as answer:
                    body: Any = await answer.json(content_type=None)
                    if answer.status == 503:
                        self.repeated += 1
                        await asyncio.sleep(min(1.0, float(answer.headers["Retry-After"])))
                        continue
                    assert answer.status in (200, 202), (answer.status, body)
                    if answer.status == 202:
                        self.accepted[answer.headers["Location"]] = meeting
                    else:
                        assert body["status"] == "seated"
                        self.accepted[f"answered {meeting}"] = meeting
                    break
            await asyncio.sleep(PACE_SECONDS)

    async def outcome(self, location: str) -> str:
        async with self._http.get(location, headers=self._headers) as answer:
            assert answer.status == 200
            return str((await answer.json())["state"])


@pytest.mark.timeout(300)
async def test_a_deploy_of_everything_under_load_loses_nothing_and_shows_no_error(deployed: Settings) -> None:
    ports = [free_port() for _ in range(2)]
    async with connected(deployed.db_url("meeting")) as database:
        first = await open_meetings(database, 5_000)
    stop = asyncio.Event()
    async with (
        processes(deployed, ports) as (gateways, others),
        balancing([f"http://127.0.0.1:{port}" for port in ports]) as balancer,
        aiohttp.ClientSession(balancer.url, connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        await eventually(lambda: len(balancer.ready) == 2, START_SECONDS)
        clients = [Client(http, authorized(deployed, 100 + n)) for n in range(CLIENTS)]
        load = asyncio.gather(*(client.run(range(first, first + 5_000), stop) for client in clients))
        codes = []
        for gateway in gateways:
            await asyncio.sleep(1)
            codes.append(await gateway.restart())
            await eventually(lambda: load.done() or len(balancer.ready) == 2, START_SECONDS)
        for other in others:
            codes.append(await other.restart())
            await eventually(lambda: load.done() or len(balancer.ready) == 2, START_SECONDS)
            await asyncio.sleep(1)
        stop.set()
        await load
        assert codes == [0] * 4
        assert balancer.broken == []
        for client in clients:
            for location in [at for at in client.accepted if at.startswith("/")]:
                await eventually(lambda c=client, at=location: _done(c, at))  # type: ignore[misc]
    joined = sum(len(client.accepted) for client in clients)
    assert joined > 200
    async with connected(deployed.db_url("meeting")) as database:
        rows = await database.rows("SELECT COUNT(*), COUNT(DISTINCT member_id, meeting_id) FROM meeting_participants")
        refused = await database.rows(
            "SELECT COUNT(*) FROM inbox WHERE outcome LIKE '%%refused%%' AND sender LIKE %s", "member:1__"
        )
    assert rows == [(joined, joined)]
    assert refused == [(0,)]


async def _done(client: Client, location: str) -> bool:
    return await client.outcome(location) == "done"
