"""What is too large is refused before it is read, and said so: bodies, heads, socket messages, depth."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress

import aiohttp
import msgspec
import pytest

from momo.gateway.heads import MOST_BYTES
from tests.flows.members import Stage

PATH = "/api/v2/meetings"


async def answer_to(stage: Stage, *sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of what comes back for `sent`, byte by byte as it stands."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        async with asyncio.timeout(10):
            await loop.sock_connect(connection, (stage.settings.host, stage.settings.port))
            answer = b""
            # who is refused half-way may be reset, with the answer there to be read
            with suppress(ConnectionError):
                for part in sent:
                    await loop.sock_sendall(connection, part)
            while not _whole(answer):
                part = await loop.sock_recv(connection, 65_536)
                assert part, answer
                answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}, body


def _whole(answer: bytes) -> bool:
    """Whether `answer` has all that its Content-Length promises."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@pytest.mark.parametrize(
    "sent",
    [
        (b"GET " + PATH.encode() + b"?text=" + b"x" * MOST_BYTES + b" HTTP/1.1\r\nHost: momo\r\n\r\n",),
        (b"GET " + PATH.encode() + b" HTTP/1.1\r\nHost: momo\r\nX-Large: " + b"x" * MOST_BYTES + b"\r\n\r\n",),
        (b"GET " + PATH.encode() + b" HTTP/1.1\r\n" + b"X-Many: of them\r\n" * 3_000 + b"\r\n",),
        (b"GET /", *(b"x" * 1_000 for _ in range(50))),
        (b"GET / HTTP/1.1\r\nX-Endless: ", *(b"x" * 1_000 for _ in range(50))),
    ],
    ids=["address", "header", "headers", "address-without-end", "header-without-end"],
)
async def test_head_that_is_too_large_is_refused_by_name(stage: Stage, sent: tuple[bytes, ...]) -> None:
    status, headers, body = await answer_to(stage, *sent)
    assert (status, headers["content-type"]) == (431, "application/problem+json")
    assert msgspec.json.decode(body)["type"] == "/problems/head-too-large"


async def test_head_just_below_the_limit_is_read(stage: Stage) -> None:
    large = b"x" * (MOST_BYTES - 200)
    status, _, _ = await answer_to(stage, b"GET /health/live HTTP/1.1\r\nHost: momo\r\nX-Large: " + large + b"\r\n\r\n")
    assert status == 200


async def test_limit_counts_each_request_of_a_connection_by_itself(stage: Stage) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as client:
        for _ in range(5):
            address = f"http://{stage.settings.host}:{stage.settings.port}/health/live"
            async with client.get(address, headers={"X-Large": "x" * 7_000}) as answer:
                assert answer.status == 200


async def test_what_is_no_http_is_a_problem_too(stage: Stage) -> None:
    status, headers, body = await answer_to(stage, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert msgspec.json.decode(body)["type"] == "/problems/malformed-request"


async def test_body_over_64_kib_is_refused(stage: Stage) -> None:
    member = stage.known(1)
    answer = await member.post("/meetings", {"title": "x" * 70_000})
    assert (answer.status, answer.body["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"title":' * 7_000, b'{"title":' + b"[" * 20_000 + b"]" * 20_000 + b"}"]
)
async def test_json_of_any_depth_is_no_more_than_a_bad_request(stage: Stage, body: bytes) -> None:
    headers = {**stage.known(1).headers, "Content-Type": "application/json"}
    async with stage.client.post(PATH, data=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_socket_message_over_4_kib_closes_the_socket(stage: Stage) -> None:
    member = stage.known(1)
    async with stage.client.ws_connect("/api/v2/notifications/stream", headers=member.headers) as socket:
        await socket.send_str("x" * 5_000)
        ended = await socket.receive(timeout=10)
    assert ended.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert socket.close_code == 1009
