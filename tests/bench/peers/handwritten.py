"""By hand, the limit: aiormq, a flush of up to 256 in one bulk transaction, its events in one write, one ack."""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from typing import Any

import aiomysql
import aiormq
import msgspec
import uvloop
from pymysql.converters import escape_string

from tests.bench.peers import durable
from tests.bench.peers.onewrite import publish

FLUSH = 256
PREFETCH = 4 * FLUSH

encode = msgspec.json.encode


class Join(msgspec.Struct):
    message_id: str
    meeting_id: int
    member_id: int
    nickname: str


decode = msgspec.json.Decoder(Join).decode


async def lane(connection: aiormq.Connection) -> None:
    """Consumes on a channel of its own, so that tags are settled in their order; never returns."""
    incoming, outgoing = await connection.channel(publisher_confirms=False), await connection.channel()
    database = await aiomysql.connect(**durable.address())
    waiting: asyncio.Queue[Any] = asyncio.Queue()
    await incoming.basic_qos(prefetch_count=PREFETCH)
    await incoming.basic_consume(durable.COMMANDS, waiting.put)
    while True:
        flush = [await waiting.get()]
        while len(flush) < FLUSH and not waiting.empty():
            flush.append(waiting.get_nowait())
        events = await commit(database, [decode(message.body) for message in flush])
        await publish(outgoing, durable.EVENTS, events)
        await incoming.basic_ack(flush[-1].delivery.delivery_tag, multiple=True, wait=False)


async def commit(database: Any, joins: list[Join]) -> list[bytes]:
    """Decides a flush in memory under the locks of its meetings, and returns the events."""
    ids = ",".join(map(str, {join.meeting_id for join in joins}))
    known = ",".join(f"'{escape_string(join.message_id)}'" for join in joins)
    async with database.cursor() as cursor:
        await cursor.execute(
            "SELECT meeting_id, capacity, seated FROM peer_meetings"
            f" WHERE meeting_id IN ({ids}) ORDER BY meeting_id FOR UPDATE"
        )
        meetings = {meeting: [capacity, seated] for meeting, capacity, seated in await cursor.fetchall()}
        await cursor.execute(f"SELECT message_id FROM peer_inbox WHERE message_id IN ({known})")
        handled = {row[0] for row in await cursor.fetchall()}
        inbox, participants, events, again = [], [], [], []
        for join in joins:
            if join.message_id in handled:
                again.append(join)
                continue
            handled.add(join.message_id)
            inbox.append(f"('{escape_string(join.message_id)}',NOW(6))")
            meeting = meetings[join.meeting_id]
            if seated := meeting[1] < meeting[0]:
                meeting[1] += 1
                nickname = escape_string(join.nickname)
                participants.append(f"({join.meeting_id},{join.member_id},'{nickname}',UTC_TIMESTAMP(6))")
            events.append(encode(durable.event(join.message_id, join.meeting_id, join.member_id, seated=seated)))
        for join in again:  # after a crash between commit and ack
            seated = await cursor.execute(durable.IS_IN, (join.meeting_id, join.member_id)) > 0
            events.append(encode(durable.event(join.message_id, join.meeting_id, join.member_id, seated=seated)))
        if inbox:
            await cursor.execute("INSERT INTO peer_inbox (message_id, handled_at) VALUES " + ",".join(inbox))
            counts = ",".join(f"({meeting},{capacity},{seated})" for meeting, (capacity, seated) in meetings.items())
            await cursor.execute(
                f"INSERT INTO peer_meetings (meeting_id, capacity, seated) VALUES {counts}"
                " ON DUPLICATE KEY UPDATE seated = VALUES(seated)"
            )
        if participants:
            await cursor.execute(
                "INSERT INTO peer_participants (meeting_id, member_id, nickname, joined_at) VALUES "
                + ",".join(participants)
            )
    await database.commit()
    return events


async def work() -> None:
    connection = await aiormq.connect(durable.AMQP_URL)
    await asyncio.gather(*(lane(connection) for _ in range(durable.CONCURRENCY)))


async def fill() -> None:
    connection = await aiormq.connect(durable.AMQP_URL)
    channel = await connection.channel()
    for queue in (durable.COMMANDS, durable.EVENTS):
        await channel.queue_declare(queue, durable=True, arguments=dict(durable.QUORUM))
    joins = durable.joins()
    while some := list(islice(joins, 1_000)):
        await publish(channel, durable.COMMANDS, [encode(join) for join in some])
    await connection.close()


if __name__ == "__main__":
    uvloop.run(fill() if sys.argv[1] == "fill" else work())
