"""Readiness, metrics, categories and internal calls."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec

from contracts.outcome import Outcome
from contracts.topology import KEYS
from momo.gateway import internal
from momo.gateway.health import COMMANDS
from momo.gateway.server import running
from momo.local.servers import Servers
from momo.settings import Settings
from tests.gateway.conftest import Consume
from tests.waiting import eventually


async def until_ready(client: aiohttp.ClientSession, wanted: int) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            async with client.get("/health/ready") as answer:
                found: dict[str, Any] = await answer.json()
                # as long as nothing was looked at, the gateway itself is what is not ready
                if answer.status == wanted and "gateway" not in found["dependencies"]:
                    return found
            await asyncio.sleep(0.1)


async def test_ready_while_every_command_queue_is_consumed(client: aiohttp.ClientSession, consume: Consume) -> None:
    before = await until_ready(client, 503)
    assert before["dependencies"]["broker"]["ok"]
    assert not before["dependencies"]["queue:meeting.join.queue"]["ok"]
    async with AsyncExitStack() as consumers:
        for contracts in COMMANDS.values():
            for contract in contracts:
                await consumers.enter_async_context(consume(f"{KEYS[contract]}.queue"))

        async def all_well() -> bool:
            after = await until_ready(client, 200)  # which does not wait for Redis
            return all(finding["ok"] for finding in after["dependencies"].values())

        await eventually(all_well)
    await until_ready(client, 503)


async def test_process_that_has_nobody_to_talk_to_starts_and_says_so(settings: Settings, token: Any) -> None:
    nowhere = "127.0.0.1:1"
    alone = msgspec.structs.replace(
        settings,
        amqp_url=f"amqp://guest:guest@{nowhere}/",
        redis_url=f"redis://{nowhere}/0",
        **{f"{name}_db_url": f"mysql://root@{nowhere}/x" for name in ("user", "meeting", "payment", "notification")},
    )
    async with running(alone) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        async with client.get("/health/live") as answer:
            assert answer.status == 200
        assert not (await until_ready(client, 503))["ready"]
        for method, path, prefer in (
            ("POST", "/api/v2/meetings/5/join", ""),
            ("POST", "/api/v2/meetings/5/join", "wait=2"),
            ("GET", "/api/v2/meetings", ""),
            ("GET", "/api/v2/payments", ""),
        ):
            headers = token(17, **{"Idempotency-Key": "k", "Prefer": prefer})
            async with client.request(method, path, headers=headers) as answer:
                assert (answer.status, answer.content_type) == (503, "application/problem+json")
                assert int(answer.headers["Retry-After"]) > 0
        person = {"email": "a@momo.test", "password": "x"}
        async with client.post("/api/v2/users/login", json=person) as answer:
            assert answer.status == 503
        async with client.post("/api/v2/users/token", headers={"Cookie": "momo_refresh=a.b"}) as answer:
            assert answer.status == 503


async def test_without_redis_commands_are_accepted_and_waited_for(
    settings: Settings, token: Any, consume: Consume, keep: Any
) -> None:
    alone = msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0")
    async with (
        running(alone) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        consume("meeting.join.queue") as arrived,
    ):
        headers = token(17, Prefer="wait=10", **{"Idempotency-Key": str(port)})
        asking = asyncio.ensure_future(client.post("/api/v2/meetings/5/join", headers=headers))
        message = await arrived.get()
        await keep("meeting", message.message_id, Outcome(state="done", status=204))
        assert (await asking).status == 204


async def test_only_the_services_asked_for_are_mounted(settings: Settings) -> None:
    async with (
        running(settings, ("category",)) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        ready = await until_ready(client, 200)
        assert set(ready["dependencies"]) == {"broker", "database:category", "redis"}
        async with client.get("/api/v2/meetings") as answer:
            assert answer.status == 404


async def test_stopping_answers_those_who_wait_and_closes_sockets(settings: Settings, token: Any) -> None:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(settings))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            waiting = asyncio.ensure_future(client.post("/api/v2/meetings/5/join", headers=token(17, Prefer="wait=30")))
            socket = await client.ws_connect("/api/v2/notifications/stream?after=0", headers=token(17))
            await until_metric(client, "momo_gateway_sockets 1.0")
            began = asyncio.get_running_loop().time()
            closing = asyncio.ensure_future(socket.receive())
            await stack.aclose()
            assert (await waiting).status == 202
            message = await closing
            assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1012)
            assert asyncio.get_running_loop().time() - began < 5


async def until_metric(client: aiohttp.ClientSession, line: str) -> str:
    async with asyncio.timeout(5):
        while True:
            async with client.get("/metrics") as answer:
                text = await answer.text()
                if line in text:
                    return text
            await asyncio.sleep(0.05)


async def test_metrics_are_by_route_template(client: aiohttp.ClientSession) -> None:
    for number in (1, 2, 3):
        await client.get(f"/api/v2/meetings/77{number}")
    await client.get("/nowhere/1")
    text = await until_metric(client, 'route="/api/v2/meetings/{meeting_id}",status="404"')
    assert "/771" not in text
    assert "nowhere" not in text
    assert 'route="unrouted"' in text


async def test_categories_are_cached_by_their_etag(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v2/categories") as answer:
        assert (answer.status, len((await answer.json())["items"])) == (200, 20)
        etag = answer.headers["ETag"]
        assert "max-age" in answer.headers["Cache-Control"]
    async with client.get("/api/v2/categories", headers={"If-None-Match": f'"old", {etag}'}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with client.get("/api/v2/categories", headers={"If-None-Match": '"old"'}) as answer:
        assert answer.status == 200


async def test_audit_is_for_signed_internal_calls_alone(
    client: aiohttp.ClientSession, settings: Settings, token: Any
) -> None:
    secret = internal.internal_secret(settings.token_secret)
    good = internal.sign(secret, "GET", "/internal/audit")
    for value in (None, "", "garbage", internal.sign(secret, "GET", "/internal/other"), good[:-1] + "x"):
        headers = token() | ({internal.HEADER: value} if value is not None else {})
        async with client.get("/internal/audit", headers=headers) as answer:
            assert (answer.status, (await answer.json())["type"]) == (401, "/problems/internal-only")
    async with client.get("/internal/audit", headers={internal.HEADER: good}) as answer:
        facts = await answer.json()
        assert answer.status == 200
    assert facts["engine"].keys() == {"user", "meeting", "payment", "notification"}
    assert "meeting.join.queue" in facts["queues"]
    assert "meeting.join.dlq" in facts["queues"]
    assert not [name for name, depth in facts["queues"].items() if depth.get("missing")]


def test_signature_is_for_one_call_and_five_minutes() -> None:
    value = internal.sign(b"s", "get", "/internal/audit", now=1000)
    assert internal.verify(b"s", value, "GET", "/internal/audit", now=1299)
    assert not internal.verify(b"s", value, "GET", "/internal/audit", now=1301)
    assert not internal.verify(b"s", value, "POST", "/internal/audit", now=1000)
    assert not internal.verify(b"t", value, "GET", "/internal/audit", now=1000)
    for text in ("", "t=", "t=1,v1=", "t=x,v1=y", "t=²,v1=y", f"t={'9' * 400},v1=y", "v1=y"):
        assert not internal.verify(b"s", text, "GET", "/internal/audit", now=1000)


async def test_redis_and_database_come_back_without_a_restart(
    client: aiohttp.ClientSession, servers: Servers, token: Any
) -> None:
    for server, path in ((servers.redis, "/api/v2/users/token"), (servers.mariadb, "/api/v2/categories")):
        headers = token() | {"Cookie": "momo_refresh=a.b"}
        method, recovered = ("POST", 401) if path.endswith("token") else ("GET", 200)
        await server.stop()
        try:
            async with client.request(method, path, headers=headers) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        finally:
            await server.start()
        async with client.request(method, path, headers=headers) as answer:
            assert answer.status == recovered
    async with asyncio.timeout(5):
        while True:
            async with client.get("/health/ready") as answer:
                found = (await answer.json())["dependencies"]
            if found["redis"]["ok"] and found["database:user"]["ok"]:
                break
            await asyncio.sleep(0.1)
