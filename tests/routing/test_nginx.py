"""What a real nginx does with the printed configuration: whom it asks, what it passes on, what it answers itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from momo.gateway.app import MOST_BYTES
from momo.gateway.problems import RETRY_AFTER_SECONDS
from momo.routing.rules import KEPT
from momo.settings import SERVICES
from tests.routing.backends import Backend, Dying, backend, dying
from tests.routing.balancer import nginx

USERS = "/api/v2/users"


class Site(msgspec.Struct):
    """Two user services, the second in order; meeting's dies of every request; payment is away; the others are well."""

    address: str
    log: Path
    client: aiohttp.ClientSession
    backends: dict[str, Backend]
    broken: Dying

    async def ask(self, method: str, path: str, **more: Any) -> aiohttp.ClientResponse:
        async with self.client.request(method, self.address + path, **more) as response:
            await response.read()
            return response


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    async with (
        backend("user") as user,
        backend("category") as category,
        backend("notification") as notification,
        dying() as broken,
        nginx(
            folder,
            {
                "user": [1, user.port],
                "category": [category.port],
                "meeting": [broken.port, category.port],
                "notification": [notification.port],
            },
        ) as address,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as client,
    ):
        known = {found.name: found for found in (user, category, notification)}
        yield Site(address, folder / "access.log", client, known, broken)


async def test_path_below_a_resource_and_the_resource_itself_reach_its_service(site: Site) -> None:
    for name, path in (("category", "/api/v2/categories"), ("notification", "/api/v2/notifications/unread?after=1")):
        response = await site.ask("GET", path)
        assert (response.status, await response.json()) == (200, {"name": name})
        assert site.backends[name].asked[-1].path_qs == path


async def test_who_is_not_there_is_left_out_also_for_a_post(site: Site) -> None:
    for _ in range(6):
        assert (await site.ask("POST", USERS, data=b"{}")).status == 200


async def test_read_that_a_gateway_died_of_goes_to_the_next_but_a_command_does_not(site: Site) -> None:
    async def until_broken(method: str) -> list[int]:
        before, statuses = site.broken.asked, []
        while site.broken.asked == before:  # it is left out for a moment after each failure
            statuses.append((await site.ask(method, "/api/v2/meetings/7/join")).status)
        return statuses

    async with asyncio.timeout(15):
        assert set(await until_broken("GET")) == {200}
        site.backends["category"].asked.clear()
        statuses = await until_broken("POST")
    assert statuses[-1] == 503
    assert len(site.backends["category"].asked) == len(statuses) - 1


async def test_service_that_is_away_is_a_problem_with_a_time_to_come_back(site: Site) -> None:
    response = await site.ask("POST", "/api/v2/payments/confirm", json={})
    assert (response.status, response.content_type) == (503, "application/problem+json")
    assert response.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    found = await response.json()
    assert found["type"] == "/problems/unavailable"
    assert found["detail"].startswith("The service can't be reached. Nothing is lost")


async def test_outcome_can_be_asked_whichever_gateway_is_away(site: Site) -> None:
    for _ in range(2 * len(SERVICES)):
        response = await site.ask("GET", "/api/v2/commands/972b1d00-7f1e-83e2-b16d-bcfae4e46419")
        assert response.status == 200


@pytest.mark.parametrize(
    "path",
    [
        *(f"{path}/users/1" for path in KEPT),
        *KEPT,
        "/",
        "/api/v2/usersandmore",
        "/api/v2/users/../../../internal/audit",
        "/api/v2/users/..%2f..%2f..%2finternal/audit",
        "//internal/audit",
        "/problems/unavailable",
    ],
)
async def test_what_belongs_to_nobody_outside_is_not_found(site: Site, path: str) -> None:
    head, body = await raw(site, f"GET {path} HTTP/1.1\r\nHost: momo\r\nConnection: close\r\n\r\n")
    assert "404 Not Found" in head
    assert "application/problem+json" in head
    assert msgspec.json.decode(body)["type"] == "/problems/not-found"


async def test_request_id_is_kept_or_made_and_told(site: Site) -> None:
    given = {"X-Request-Id": "abc-1", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    response = await site.ask("GET", USERS, headers=given)
    asked = site.backends["user"].asked[-1].headers
    assert response.headers["X-Request-Id"] == asked["X-Request-Id"] == "abc-1"
    assert asked["traceparent"] == given["traceparent"]
    assert asked["X-Forwarded-For"] == "127.0.0.1"
    assert asked["X-Forwarded-Proto"] == "http"
    made = await site.ask("GET", "/api/v2/payments", headers={"X-Request-Id": 'a"b'})
    assert len(made.headers["X-Request-Id"]) == 32
    assert made.status == 503


async def test_stream_is_a_websocket_and_its_token_is_in_no_log(site: Site) -> None:
    url = f"{site.address}/api/v2/notifications/stream?access_token=secret-of-mine"
    async with site.client.ws_connect(url) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
    await site.ask("GET", "/api/v2/payments?access_token=secret-of-mine")  # nobody is there: nginx might say so
    log = site.log.read_text()
    assert '"request":"GET /api/v2/payments","status":"503"' in log
    assert "secret-of-mine" not in log


async def test_nothing_but_a_websocket_is_upgraded(site: Site) -> None:
    head, _ = await raw(
        site,
        f"GET {USERS} HTTP/1.1\r\nHost: momo\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n\r\n",
    )
    assert "200 OK" in head
    assert "Upgrade" not in site.backends["user"].asked[-1].headers


async def test_body_may_be_as_large_as_a_gateway_takes(site: Site) -> None:
    assert (await site.ask("POST", USERS, data=bytes(MOST_BYTES))).status == 200
    response = await site.ask("POST", USERS, data=bytes(MOST_BYTES + 1))
    assert response.status == 413
    assert (await response.json())["type"] == "/problems/body-too-large"


async def test_head_that_is_too_large_or_none_is_a_problem(site: Site) -> None:
    assert (await site.ask("GET", USERS, headers={"X-Long": "a" * 30_000})).status == 200
    for request, status, kind in (
        (f"GET {USERS}?{'a' * 40_000} HTTP/1.1\r\nHost: momo\r\n\r\n", 431, "head-too-large"),
        (f"GET {USERS} HTTP/1.1\r\nHost: momo\r\nX-Long: {'a' * 40_000}\r\n\r\n", 431, "head-too-large"),
        ("nonsense\r\n\r\n", 400, "malformed-request"),
    ):
        head, body = await raw(site, request)
        assert head.startswith(f"HTTP/1.1 {status} "), head
        assert msgspec.json.decode(body)["type"] == f"/problems/{kind}"


async def raw(site: Site, request: str) -> tuple[str, bytes]:
    """Head and body of what is answered, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.address.rpartition(":")[2]))
    try:
        writer.write(request.encode())
        async with asyncio.timeout(5):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    return head.decode(), body
