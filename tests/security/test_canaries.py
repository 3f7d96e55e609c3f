"""Secrets stay where they are: each is a canary here, and none is found in anything that MOMO writes or answers."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import uuid4

import aio_pika
import aiohttp
import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.topology import queue_named
from momo.broker.failures import REASON
from momo.gateway.internal import HEADER, internal_secret, sign
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.local.stage import prepare, process
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from tests.flows.members import Stage
from tests.security.aviary import PASSWORDS, Aviary, at_a_loss, guarded, lost, tapped
from tests.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aviary(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aviary]:
    """A MOMO whose every secret is a canary, after a day on which much went wrong."""
    settings = await guarded(await prepare(servers, "canaries"))
    found = Aviary(settings, tmp_path_factory.mktemp("logs"))

    def program(name: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "tests.security.loud", str(found.logs / name))

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(tapped(settings, found))
        for command in ("toss-sandbox", "serve"):
            await stack.enter_async_context(process(settings, command, program=program(command)))
        for command in ("work", "relay"):
            watched = msgspec.structs.replace(settings, metrics_port=free_port())
            await stack.enter_async_context(process(watched, command, program=program(command)))
            found.heard[f"{command} metrics"] = str(watched.metrics_port).encode()
        # some find their servers away, and some are refused there
        nowhere = f"127.0.0.1:{free_port()}"
        away, unwelcome = lost(settings, lambda _: nowhere), lost(settings, str)
        for astray, *words in (
            (away, "serve"), (away, "relay"), (away, "topology", "declare"),
            (unwelcome, "serve"), (unwelcome, "work"), (unwelcome, "migrate"),
        ):  # fmt: skip
            log = f"{words[0]} {'away' if astray is away else 'unwelcome'}"
            await stack.enter_async_context(process(astray, *words, program=program(log)))
        address = f"http://{settings.host}:{settings.port}"
        await until_ready(f"{address}/health/ready")
        client = await stack.enter_async_context(aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar()))
        await live(Stage(settings, client), found)
        for gateway in (away, unwelcome):
            await at_a_loss(gateway)
        await overheard(settings, client, found)
        yield found


async def live(stage: Stage, aviary: Aviary) -> None:
    """A day of one member: registers, logs in, is mistaken in every way that shows a secret, and goes on."""
    name, password, wrong = uuid4().hex[:12], PASSWORDS["member"], PASSWORDS["wrong"]
    account = {"email": f"{name}@momo.test", "nickname": name, "password": password}
    answers: list[bytes] = []

    async def ask_for(method: str, path: str, body: Any = None, **headers: str) -> aiohttp.ClientResponse:
        data = body if isinstance(body, bytes) else None
        json = None if data else body
        sent = {"Prefer": "wait=20", "Content-Type": "application/json", **headers}
        async with stage.client.request(method, f"/api/v2{path}", json=json, data=data, headers=sent) as answer:
            text = await answer.read()
            if answer.status >= 400 or not path.endswith(("/login", "/token")):
                answers.append(f"{answer.status} {dict(answer.headers)} ".encode() + text)
            return answer

    for body in (
        account,
        account,
        {**account, "email": "nobody"},
        {**account, "password": wrong * 10},
        {**account, "password": {"is": wrong}},
        {**account, wrong[:30]: 1} | {"password": [password]},
        msgspec.json.encode(account)[:-2],
        b"{" + wrong.encode(),
    ):
        await ask_for("POST", "/users", body)
    login = {"email": account["email"], "password": password}
    granted = await ask_for("POST", "/users/login", login)
    await ask_for("POST", "/users/login", {**login, "password": wrong})
    await ask_for("POST", "/users/login", {**login, "password": [wrong]})
    await ask_for("POST", "/users/login", msgspec.json.encode(login)[:-1])
    refresh = granted.cookies["momo_refresh"].value
    aviary.canaries["refresh token"] = refresh.partition(".")[2]
    async with stage.client.post("/api/v2/users/login", json=login) as second:
        access = (await second.json())["accessToken"]
    aviary.canaries["access token"] = access
    renewed = await ask_for("POST", "/users/token", Cookie=f"momo_refresh={refresh}")
    aviary.canaries["next refresh token"] = renewed.cookies["momo_refresh"].value.partition(".")[2]
    await ask_for("POST", "/users/token", Cookie=f"momo_refresh={refresh}")  # reuse
    await ask_for("POST", "/users/token", Cookie="momo_refresh=" + refresh[:-3])
    bearer = {"Authorization": f"Bearer {access}"}
    for headers in (
        bearer,
        {"Authorization": f"Bearer {access}x"},
        {"Authorization": access},
        {"Authorization": f"Basic {wrong}"},
    ):
        await ask_for("GET", "/users/me", **headers)
    signature = sign(internal_secret(stage.settings.token_secret), "GET", "/internal/audit")
    aviary.canaries["internal signature"] = signature.partition("v1=")[2]
    aviary.canaries["internal secret"] = internal_secret(stage.settings.token_secret).hex()
    async with stage.client.get("/internal/audit", headers={HEADER: signature}) as answer:
        answers.append(await answer.read())
    async with stage.client.get("/internal/audit", headers={HEADER: f"{signature}0"}) as answer:
        answers.append(await answer.read())
    for query in (f"?access_token={access}", f"?access_token={access}x"):
        async with stage.client.ws_connect(f"/api/v2/notifications/stream{query}") as socket:
            with suppress(TimeoutError):
                await socket.receive(timeout=0.3)
    host, guest = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=5, fee=10_000)
    async with guest.listens() as notices:
        await guest.pays(await guest.joins(meeting), failCode="INVALID_REJECT_CARD")
        await notices.until("payment.failed")
        await guest.pays(await guest.joins(meeting))
        await notices.until("meeting.joined")
    await poisoned(stage.settings, aviary)
    aviary.heard["answers"] = b"\n".join(answers)
    assert len(answers) > 15


async def poisoned(settings: Settings, aviary: Aviary) -> None:
    """The registration once more, in a shape that is none: it becomes a dead letter, which is kept for the search."""
    registration = next(m for m in aviary.messages if m.routing_key == "user.register")
    connection = await aio_pika.connect(settings.amqp_url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("user.exchange")
        body = registration.body.replace(b'"email":', b'"email":1,"was":')
        await exchange.publish(
            aio_pika.Message(body, headers=registration.headers, type=registration.type), "user.register"
        )
        dead = await channel.get_queue(queue_named("user.register.queue").dead_letter_queue)
        letter = None

        async def arrived() -> bool:
            nonlocal letter
            letter = await dead.get(fail=False, no_ack=True)
            return letter is not None

        await eventually(arrived, timeout=10)
        assert letter is not None
        assert letter.headers[REASON] == "invalid"
        aviary.messages.append(letter)


async def overheard(settings: Settings, client: aiohttp.ClientSession, aviary: Aviary) -> None:
    """Gathers what can be seen from outside, in the stores and on the wire."""
    for path in ("/metrics", "/health/ready", "/schema/openapi.json"):
        async with client.get(path) as answer:
            aviary.heard[path] = await answer.read()
    for name in ("work metrics", "relay metrics"):
        async with client.get(f"http://{settings.host}:{aviary.heard[name].decode()}/metrics") as answer:
            aviary.heard[name] = await answer.read()
            assert answer.status == 200
    for service in DATABASES:
        async with connected(settings.db_url(service)) as database:
            for (table,) in await database.rows("SHOW TABLES"):
                aviary.heard[f"{service}.{table}"] = repr(await database.rows(f"SELECT * FROM {table}")).encode()
    for number, message in enumerate(aviary.messages):
        aviary.heard[f"message {number} {message.routing_key}"] = message.body + repr(message.headers).encode()
    async with Redis.from_url(settings.redis_url) as redis:
        kept = [(key, await redis.dump(key)) async for key in redis.scan_iter()]
    aviary.heard["redis"] = repr(kept).encode()
    for file in aviary.logs.iterdir():
        aviary.heard[f"log of {file.name}"] = file.read_bytes()


async def test_no_secret_is_found_in_logs_messages_answers_metrics_or_stores(aviary: Aviary) -> None:
    assert aviary.found() == []


async def test_search_would_have_found_one(aviary: Aviary) -> None:
    """What is no secret and belongs there is found in the very places that were searched."""
    logs = {name: text for name, text in aviary.heard.items() if name.startswith("log of")}
    assert len(logs) == 10
    assert all(b'"level":"debug"' in text for name, text in logs.items() if "serve" in name or "work" in name)
    for name, event in (
        ("serve", "message sent to queue"),
        ("work", "message handled"),
        ("work", "message not handled"),
    ):
        assert f'"event":"{event}","queue":"user.register.queue"'.encode() in logs[f"log of {name}"]
    assert b"@momo.test" in aviary.heard["user.users"]
    assert b"session:" in aviary.heard["redis"]
    assert b"/problems/wrong-credentials" in aviary.heard["answers"]
    assert b"momo_" in aviary.heard["work metrics"]
    assert any(b"argon2id" in text for name, text in aviary.heard.items() if name.startswith("message"))
    assert any(b"x-death-error" in text for name, text in aviary.heard.items() if name.startswith("message"))
    aviary.canaries["control"] = "argon2id"
    found = aviary.found()
    del aviary.canaries["control"]
    assert found
