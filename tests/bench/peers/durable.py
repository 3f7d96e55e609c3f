"""The durable work of every peer that handles one message at a time: inbox row, seat, participant row, one commit."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomysql
import pymysql

AMQP_URL = os.environ.get("PEER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
DATABASE_URL = os.environ.get("PEER_DATABASE_URL", "mysql://root@127.0.0.1:3306/peers")
PROCESSES = int(os.environ.get("PEER_PROCESSES", "1"))
CONCURRENCY = int(os.environ.get("PEER_CONCURRENCY", "8"))
"""Messages that one process has in hand: threads, tasks or lanes."""

COMMANDS = "peer.join"
EVENTS = "peer.joined"
QUORUM = {"x-queue-type": "quorum"}

_INBOX = "INSERT IGNORE INTO peer_inbox (message_id, handled_at) VALUES (%s, NOW(6))"
_SEAT = "UPDATE peer_meetings SET seated = seated + 1 WHERE meeting_id = %s AND seated < capacity"
_PARTICIPANT = (
    "INSERT INTO peer_participants (meeting_id, member_id, nickname, joined_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(6))"
)
IS_IN = "SELECT 1 FROM peer_participants WHERE meeting_id = %s AND member_id = %s"

_thread = threading.local()


def address() -> dict[str, Any]:
    """The database as both drivers are told it; without autocommit."""
    parts = urlsplit(DATABASE_URL)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or ""),
        "db": parts.path.lstrip("/"),
        "charset": "utf8mb4",
        "autocommit": False,
    }


def joins() -> Iterator[dict[str, Any]]:
    """The commands to fill the queue with: `PEER_MESSAGES` members spread over `PEER_MEETINGS` meetings."""
    meetings = int(os.environ["PEER_MEETINGS"])
    for n in range(int(os.environ["PEER_MESSAGES"])):
        yield {
            "message_id": str(uuid.uuid4()),
            "meeting_id": 1 + n % meetings,
            "member_id": 1_000 + n,
            "nickname": f"m{n}",
        }


def join(message_id: str, meeting_id: int, member_id: int, nickname: str) -> dict[str, Any]:
    """Commits one join on this thread's connection and returns the event to publish, for a duplicate the same again."""
    connection = getattr(_thread, "connection", None)
    if connection is None:
        connection = _thread.connection = pymysql.connect(**address())
    try:
        with connection.cursor() as cursor:
            if cursor.execute(_INBOX, (message_id,)):
                seated = bool(cursor.execute(_SEAT, (meeting_id,)))
                if seated:
                    cursor.execute(_PARTICIPANT, (meeting_id, member_id, nickname))
            else:
                seated = bool(cursor.execute(IS_IN, (meeting_id, member_id)))
        connection.commit()
    except BaseException:
        del _thread.connection
        connection.close()
        raise
    return event(message_id, meeting_id, member_id, seated=seated)


async def join_async(pool: Any, message_id: str, meeting_id: int, member_id: int, nickname: str) -> dict[str, Any]:
    """As `join`, on a connection of an aiomysql pool."""
    async with pool.acquire() as connection:
        try:
            async with connection.cursor() as cursor:
                if await cursor.execute(_INBOX, (message_id,)):
                    seated = bool(await cursor.execute(_SEAT, (meeting_id,)))
                    if seated:
                        await cursor.execute(_PARTICIPANT, (meeting_id, member_id, nickname))
                else:
                    seated = bool(await cursor.execute(IS_IN, (meeting_id, member_id)))
            await connection.commit()
        except BaseException:
            connection.close()
            raise
    return event(message_id, meeting_id, member_id, seated=seated)


def event(message_id: str, meeting_id: int, member_id: int, *, seated: bool) -> dict[str, Any]:
    """What the world hears of a join."""
    return {
        "type": "meeting.joined" if seated else "meeting.join.refused",
        "causation_id": message_id,
        "meeting_id": meeting_id,
        "member_id": member_id,
    }


async def pool() -> Any:
    """A connection for each message that this process has in hand."""
    return await aiomysql.create_pool(minsize=CONCURRENCY, maxsize=CONCURRENCY, **address())
