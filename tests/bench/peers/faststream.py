"""FastStream: one message, one transaction on an aiomysql pool, one event published with confirm, then the ack."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from pydantic import BaseModel

from tests.bench.peers import durable


class Join(BaseModel):
    message_id: str
    meeting_id: int
    member_id: int
    nickname: str


broker = RabbitBroker(
    durable.AMQP_URL,
    default_channel=Channel(prefetch_count=durable.CONCURRENCY, publisher_confirms=True, on_return_raises=True),
    logger=None,  # it would write two lines a message
)
commands = RabbitQueue(durable.COMMANDS, queue_type=QueueType.QUORUM, durable=True)
events = RabbitQueue(durable.EVENTS, queue_type=QueueType.QUORUM, durable=True)


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    pool = await durable.pool()
    broker.context.set_global("pool", pool)
    yield
    pool.close()


app = FastStream(broker, lifespan=lifespan)


@broker.subscriber(commands, ack_policy=AckPolicy.NACK_ON_ERROR)
async def join(command: Join) -> None:
    pool = broker.context.get("pool")  # as a parameter it would cost each message a trip to a thread
    event = await durable.join_async(pool, **command.model_dump())
    await broker.publish(event, queue=events, persist=True, mandatory=True, timeout=10)


async def fill() -> None:
    await broker.connect()
    await broker.declare_queue(commands)
    await broker.declare_queue(events)
    joins = durable.joins()
    while some := list(islice(joins, 500)):
        await asyncio.gather(*(broker.publish(join, queue=commands, persist=True) for join in some))
    await broker.stop()


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        asyncio.run(fill())
    else:
        program = [sys.executable, "-m", "faststream", "run", "tests.bench.peers.faststream:app"]
        if durable.PROCESSES > 1:
            program += ["--workers", str(durable.PROCESSES)]
        os.execv(sys.executable, program)
