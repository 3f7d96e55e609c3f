"""Notices over WebSockets: in sequence, each once, through resumes, gaps and Redis' absences."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from contracts.notification import Addressee, BroadcastNotification, SendNotification
from momo.live import BROADCASTS, RedisPush

STREAM = "/api/v2/notifications/stream"


def somebody() -> int:
    return uuid.uuid4().int % 2**50


@pytest.fixture
def store(database: Any) -> Any:
    """Stores notices as the worker does, without pushing them."""

    async def write(member_id: int, *sequences: int) -> None:
        async with database("notification") as connection:
            for sequence in sequences:
                await connection.change(
                    "INSERT INTO notifications VALUES (%s, %s, 'user.followed', %s, %s, NULL, UTC_TIMESTAMP(6), NULL)",
                    member_id, sequence, f"s{sequence}", f"notice {sequence}",
                )  # fmt: skip

    return write


async def push(redis: Redis, member_id: int, sequence: int) -> None:
    notice = SendNotification(
        member_id=member_id,
        sequence=sequence,
        type="user.followed",
        content=f"notice {sequence}",
        created_at=datetime.now(UTC),
    )
    await RedisPush(redis).send(notice)


async def heard(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
    return [(await asyncio.wait_for(socket.receive_json(), 5))["sequence"] for _ in range(count)]


async def silent(socket: aiohttp.ClientWebSocketResponse) -> bool:
    try:
        await asyncio.wait_for(socket.receive(), 0.2)
    except TimeoutError:
        return True
    return False


async def subscribed(redis: Redis, member_id: int) -> None:
    """Until the gateway has subscribed to the member's channel."""
    async with asyncio.timeout(5):
        # Redis has no event for it
        while (await redis.pubsub_numsub(f"momo.push.{member_id}"))[0][1] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_stored_notices_come_first_then_live_ones(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me = somebody()
    await store(me, 1, 2, 3)
    async with client.ws_connect(f"{STREAM}?after=1", headers=token(me)) as socket:
        assert await heard(socket, 2) == [2, 3]
        await store(me, 4)
        await push(redis, me, 4)
        first = await asyncio.wait_for(socket.receive_json(), 5)
        assert first["sequence"] == 4
        assert first.keys() == {"sequence", "type", "content", "meetingId", "createdAt", "readAt"}


async def test_without_after_only_what_is_new_comes(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me = somebody()
    await store(me, 1, 2)
    async with client.ws_connect(STREAM, headers=token(me)) as socket:
        await subscribed(redis, me)
        await store(me, 3)
        await push(redis, me, 3)
        assert await heard(socket, 1) == [3]


async def test_repeats_are_dropped_and_gaps_are_read_from_the_database(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me = somebody()
    async with client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as socket:
        await subscribed(redis, me)
        await store(me, 1, 2, 3, 4, 5)
        for sequence in (1, 1, 5, 3, 4, 5, 2):
            await push(redis, me, sequence)
        assert await heard(socket, 5) == [1, 2, 3, 4, 5]
        assert await silent(socket)


async def test_every_socket_of_a_member_hears_and_no_other_member_does(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me, other = somebody(), somebody()
    async with (
        client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as one,
        client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as two,
        client.ws_connect(f"{STREAM}?after=0", headers=token(other)) as third,
    ):
        await subscribed(redis, me)
        await store(me, 1)
        await push(redis, me, 1)
        assert await heard(one, 1) == await heard(two, 1) == [1]
        await one.close()
        await store(me, 2)
        await push(redis, me, 2)
        assert await heard(two, 1) == [2]
        assert await silent(third)


async def test_a_notice_for_many_reaches_each_of_their_sockets_under_their_own_number(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me, other, third = somebody(), somebody(), somebody()
    async with (
        client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as mine,
        client.ws_connect(f"{STREAM}?after=1", headers=token(other)) as theirs,
        client.ws_connect(f"{STREAM}?after=0", headers=token(third)) as nobodys,
    ):
        for member in (me, other, third):
            await subscribed(redis, member)
        await store(me, 1)
        await store(other, 2)
        notice = BroadcastNotification(
            addressees=(Addressee(me, 1), Addressee(other, 2), Addressee(somebody(), 1)),
            type="meeting.cancelled",
            content="off",
            created_at=datetime.now(UTC),
        )
        await RedisPush(redis).broadcast(notice)
        assert (await heard(mine, 1), await heard(theirs, 1)) == ([1], [2])
        assert await silent(nobodys)
        await redis.publish(BROADCASTS, b"no notice")
        await store(me, 2)
        await push(redis, me, 2)
        assert await heard(mine, 1) == [2]


async def test_nothing_is_missed_when_redis_loses_the_subscription(
    client: aiohttp.ClientSession, token: Any, store: Any, redis: Redis
) -> None:
    me = somebody()
    async with client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as socket:
        await subscribed(redis, me)
        await store(me, 1, 2)
        # what was published meanwhile is lost; the re-subscription alone must bring it
        assert await redis.client_kill_filter(_type="pubsub") >= 1
        assert await heard(socket, 2) == [1, 2]
        await subscribed(redis, me)
        await store(me, 3)
        await push(redis, me, 3)
        assert await heard(socket, 1) == [3]


async def test_a_thousand_notices_come_in_order_to_a_socket_that_reads_late(
    client: aiohttp.ClientSession, token: Any, database: Any, redis: Redis
) -> None:
    me = somebody()
    async with client.ws_connect(f"{STREAM}?after=0", headers=token(me)) as socket:
        await subscribed(redis, me)
        async with database("notification") as connection:
            values = ",".join(
                f"({me},{n},'user.followed','s{n}','notice',NULL,UTC_TIMESTAMP(6),NULL)" for n in range(1, 1001)
            )
            await connection.change(f"INSERT INTO notifications VALUES {values}")
        for sequence in range(1, 1001):
            await push(redis, me, sequence)
        assert await heard(socket, 1000) == list(range(1, 1001))


@pytest.mark.parametrize("way", ["query", "subprotocol"])
async def test_browser_can_hand_over_its_token(client: aiohttp.ClientSession, token: Any, store: Any, way: str) -> None:
    me = somebody()
    await store(me, 1)
    access = token(me)["Authorization"].removeprefix("Bearer ")
    query = f"&access_token={access}" if way == "query" else ""
    protocols = ["access_token", access] if way == "subprotocol" else []
    async with client.ws_connect(f"{STREAM}?after=0{query}", protocols=protocols) as socket:
        assert socket.protocol == ("access_token" if protocols else None)
        assert await heard(socket, 1) == [1]


@pytest.mark.parametrize(
    ("query", "authorization", "code"),
    [("", None, 4401), ("", "Bearer garbage", 4401), ("?access_token=x", None, 4401), ("?after=x", "mine", 4400)],
)
async def test_socket_that_may_not_be_is_closed_with_its_reason(
    client: aiohttp.ClientSession, token: Any, query: str, authorization: str | None, code: int
) -> None:
    headers = token() if authorization == "mine" else {"Authorization": authorization} if authorization else {}
    async with client.ws_connect(f"{STREAM}{query}", headers=headers) as socket:
        message = await asyncio.wait_for(socket.receive(), 5)
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, code)


async def test_notices_are_listed_and_counted(
    client: aiohttp.ClientSession, token: Any, store: Any, database: Any
) -> None:
    me = somebody()
    await store(me, 1, 2, 3)
    async with database("notification") as connection:
        await connection.change("INSERT INTO mailboxes VALUES (%s, 3, 2, UTC_TIMESTAMP(6), NULL)", me)
    for query, sequences in (("", [3, 2, 1]), ("?after=1", [2, 3]), ("?before=3", [2, 1]), ("?limit=1", [3])):
        async with client.get(f"/api/v2/notifications{query}", headers=token(me)) as answer:
            assert [item["sequence"] for item in (await answer.json())["items"]] == sequences
    async with client.get("/api/v2/notifications/unread", headers=token(me)) as answer:
        assert await answer.json() == {"unread": 2}
    async with client.get("/api/v2/notifications?after=1&before=3", headers=token(me)) as answer:
        assert answer.status == 400
