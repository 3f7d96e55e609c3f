"""Whatever a client sends, it is told precisely what is wrong; none of it is a 500."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

MEETING: dict[str, Any] = {
    "title": "아침 달리기",
    "categoryId": 3,
    "placeName": "한강",
    "latitude": 37.5,
    "longitude": 127.0,
    "startsAt": "2030-01-01T09:00:00+09:00",
    "endsAt": "2030-01-01T11:00:00+09:00",
    "capacity": 10,
}


async def problem_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    found: dict[str, Any] = await answer.json()
    assert {"type", "title", "status"} <= found.keys()
    assert found["status"] == answer.status
    return found


async def test_a_proper_meeting_is_accepted(client: aiohttp.ClientSession, token: Any) -> None:
    async with client.post("/api/v2/meetings", json=MEETING, headers=token()) as answer:
        assert answer.status == 202


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"capacity": "10"}, "$.capacity"),
        ({"capacity": 1}, "$.capacity"),
        ({"capacity": 10_001}, "$.capacity"),
        ({"capacity": 2**70}, "$.capacity"),
        ({"capacity": 10.5}, "$.capacity"),
        ({"capacity": None}, "$.capacity"),
        ({"title": ""}, "$.title"),
        ({"title": "x" * 101}, "$.title"),
        ({"title": "nul\x00l"}, "$.title"),
        ({"latitude": 90.1}, "$.latitude"),
        ({"longitude": "east"}, "$.longitude"),
        ({"startsAt": "2030-01-01T09:00:00"}, "$.startsAt"),
        ({"startsAt": "tomorrow"}, "$.startsAt"),
        ({"startsAt": "9999-12-31T23:59:59-23:59"}, "$.startsAt"),
        ({"endsAt": "0001-01-01T00:00:00+23:59"}, "$.endsAt"),
        ({"fee": -1}, "$.fee"),
        ({"categoryId": 999}, "$.categoryId"),
        ({"holdSeconds": 4}, "$.holdSeconds"),
        ({"refundPolicy": [{"hoursBefore": 1, "percent": 101}]}, "$.refundPolicy[0].percent"),
        ({"unknown": 1}, "$"),
        ({"hostId": 1}, "$"),
    ],
)
async def test_wrong_field_is_named(
    client: aiohttp.ClientSession, token: Any, change: dict[str, Any], field: str
) -> None:
    async with client.post("/api/v2/meetings", json={**MEETING, **change}, headers=token()) as answer:
        found = await problem_of(answer)
        assert (answer.status, found["type"]) == (400, "/problems/invalid-request")
        assert [error["field"] for error in found["errors"]] == [field]
        assert found["errors"][0]["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"\xff\xfe", b'{"a":"\xff"}', b"[" * 60_000])
async def test_body_that_is_no_json_is_told_so(client: aiohttp.ClientSession, token: Any, body: bytes) -> None:
    headers = token(**{"Content-Type": "application/json"})
    async with client.post("/api/v2/meetings", data=body, headers=headers) as answer:
        found = await problem_of(answer)
        assert answer.status == 400
        assert found["type"] in ("/problems/malformed-json", "/problems/invalid-request")


@pytest.mark.parametrize("body", [b"[]", b"5", b'"text"', b"null", b"{}"])
async def test_json_of_another_shape_is_told_so(client: aiohttp.ClientSession, token: Any, body: bytes) -> None:
    headers = token(**{"Content-Type": "application/json"})
    async with client.post("/api/v2/payments/confirm", data=body, headers=headers) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (400, "/problems/invalid-request")


async def test_another_media_type_is_told_so(client: aiohttp.ClientSession, token: Any) -> None:
    headers = token(**{"Content-Type": "text/xml"})
    async with client.post("/api/v2/meetings", data=b"<a/>", headers=headers) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize("path", ["/api/v2/meetings", "/api/v2/meetings/5/join", "/api/v2/payments/webhooks/toss"])
async def test_body_of_ten_megabytes_is_refused_before_it_is_read(address: str, token: Any, path: str) -> None:
    """By hand, for a client would notice the answer only when it has sent everything."""
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    head = f"POST {path} HTTP/1.1\r\nHost: momo\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n"
    writer.write(f"{head}Authorization: {token()['Authorization']}\r\n\r\n".encode() + b"[" * 1000)
    await writer.drain()
    status = await asyncio.wait_for(reader.readline(), 5)
    assert status.split()[1] == b"413"
    writer.close()


async def test_body_of_unannounced_length_is_refused_at_the_limit(client: aiohttp.ClientSession, token: Any) -> None:
    async def endless() -> Any:
        for _ in range(20):
            yield b"[" * 10_000

    headers = token(**{"Content-Type": "application/json"})
    async with client.post("/api/v2/meetings", data=endless(), headers=headers) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/api/v2/meetings/abc", 404),
        ("/api/v2/meetings/1.5", 404),
        ("/api/v2/meetings/0", 400),
        ("/api/v2/meetings/-1", 400),
        ("/api/v2/meetings/99999999999999999999999", 400),
        ("/api/v2/meetings/" + "9" * 5000, 404),
        ("/api/v2/meetings/123456", 404),
        ("/api/v2/users/123456", 404),
        ("/api/v2/meetings/123456/join", 404),
        ("/api/v2/meetings/123456/participants", 404),
        ("/api/v2/payments/momo-9-9-9", 404),
        ("/api/v2/payments/a'%20OR%201=1", 400),
        ("/api/v2/payments/x", 400),
        ("/api/v2/commands/nonsense", 404),
        ("/api/v2/commands/00000000-0000-0000-0000-000000000000", 404),
    ],
)
async def test_address_that_names_nothing(client: aiohttp.ClientSession, token: Any, path: str, status: int) -> None:
    async with client.get(path, headers=token()) as answer:
        await problem_of(answer)
        assert answer.status == status


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=WzFd", "cursor"),
        ("cursor=" + "x" * 301, "cursor"),
        ("categoryId=x", "categoryId"),
        ("status=lost", "status"),
        ("sort=random", "sort"),
        ("from=yesterday", "from"),
        ("to=2030-01-01", "to"),
        ("latitude=91&longitude=0", "latitude"),
        ("latitude=nan&longitude=0", "latitude"),
        ("latitude=37", "latitude"),
        ("sort=nearest", "latitude"),
        ("free=perhaps", "free"),
    ],
)
async def test_query_that_is_wrong_is_named(client: aiohttp.ClientSession, query: str, field: str) -> None:
    async with client.get(f"/api/v2/meetings?{query}") as answer:
        found = await problem_of(answer)
        assert (answer.status, found["type"]) == (400, "/problems/invalid-request")
        assert [error["field"] for error in found["errors"]] == [field]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?categoryId=3&status=open&from=2030-01-01T00:00:00%2B09:00&to=2031-01-01T00:00:00Z&text=50%25&hostId=1",
        "?free=true&seatsLeft=true&latitude=37.5&longitude=127&withinM=5000&sort=nearest&limit=5",
        "?text=%27%20OR%201=1%20--%20%5C",
        "?text=%F0%9F%8F%83&from=2030-01-01T00:00:00+09:00",
    ],
)
async def test_list_of_meetings_takes_every_filter(client: aiohttp.ClientSession, query: str) -> None:
    async with client.get(f"/api/v2/meetings{query}") as answer:
        assert (answer.status, (await answer.json())["items"]) == (200, [])


@pytest.mark.parametrize("path", ["/api/v2/payments", "/api/v2/users/1/followers", "/api/v2/meetings/mine"])
async def test_bad_cursor_is_told_so_everywhere(client: aiohttp.ClientSession, token: Any, path: str) -> None:
    # a date without a zone, which no cursor of ours holds
    for cursor in ("WyJ4Il0", "WyIyMDMwLTAxLTAxVDAwOjAwOjAwIiwxXQ", "%00", "é"):
        async with client.get(path, params={"cursor": cursor}, headers=token()) as answer:
            assert (answer.status, (await problem_of(answer))["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/payments/%FF%FE",
        "/api/v2/payments/%00",
        "/api/v2/commands/%00",
        "/api/v2/meetings/%D9%A3",
        "/api/v2/meetings?text=%00%FF%27",
        "/api/v2/meetings?limit=%FF",
        "/api/v2/notifications?after=-1",
        "/api/v2/notifications?before=99999999999999999999",
        "/api/v2/meetings/mine?role=king",
        "/" + "a/" * 3000,
    ],
)
async def test_bytes_that_are_no_text_never_crash_anything(
    client: aiohttp.ClientSession, token: Any, path: str
) -> None:
    async with client.get(URL(path, encoded=True), headers=token()) as answer:
        assert answer.status < 500


async def test_wrong_method_is_told_which_there_are(client: aiohttp.ClientSession) -> None:
    async with client.put("/api/v2/meetings") as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (405, "/problems/method-not-allowed")
        assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize(
    "change",
    [{"email": "nobody"}, {"email": "a b@c.d"}, {"nickname": "x"}, {"nickname": " padded "}, {"password": "short"}],
)
async def test_registration_that_is_wrong_is_told_so(client: aiohttp.ClientSession, change: dict[str, str]) -> None:
    person = {"email": "a@momo.test", "nickname": "minsu", "password": "correct horse", **change}
    async with client.post("/api/v2/users", json=person) as answer:
        found = await problem_of(answer)
        assert (answer.status, found["errors"][0]["field"]) == (400, f"$.{next(iter(change))}")


async def test_payment_of_another_member_is_not_shown(client: aiohttp.ClientSession, token: Any, database: Any) -> None:
    async with database("payment") as connection:
        await connection.change(
            "INSERT INTO payments VALUES ('momo-1-17-1', 1, 17, 'seat', 1000, 'PENDING', '', UTC_TIMESTAMP(6),"
            " UTC_TIMESTAMP(6), '[]', 0, 0, '[]', 0, NULL, NULL, NULL, '', '', UTC_TIMESTAMP(6))"
        )
    async with client.get("/api/v2/payments/momo-1-17-1", headers=token(18)) as answer:
        assert (answer.status, (await problem_of(answer))["type"]) == (403, "/problems/not-your-payment")
    async with client.get("/api/v2/payments/momo-1-17-1", headers=token(17)) as answer:
        assert (answer.status, (await answer.json())["amount"]) == (200, 1000)
    async with client.get("/api/v2/payments", headers=token(18)) as answer:
        assert await answer.json() == {"items": [], "next": None}


async def test_problem_document_never_shows_what_crashed(client: aiohttp.ClientSession) -> None:
    async with client.get("/schema/openapi.json") as answer:
        assert answer.status == 200
        document = json.loads(await answer.read())
        assert document["openapi"].startswith("3.1")
        assert "/api/v2/meetings/{meeting_id}/join" in document["paths"]
