"""Taskiq on aio-pika: quorum queues, the ack when the task has run; aiomysql."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import islice
from typing import Any

from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue, QueueType

from tests.bench.peers import durable

broker = AioPikaBroker(durable.AMQP_URL, qos=durable.CONCURRENCY).with_queue(
    Queue(name=durable.COMMANDS, type=QueueType.QUORUM)
)
# A broker's worker consumes all of its queues: the events, which others consume, have a broker of their own.
outgoing = AioPikaBroker(durable.AMQP_URL).with_queue(Queue(name=durable.EVENTS, type=QueueType.QUORUM))


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start(state: TaskiqState) -> None:
    state.pool = await durable.pool()
    await outgoing.startup()


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def stop(state: TaskiqState) -> None:
    await outgoing.shutdown()
    state.pool.close()


@outgoing.task(task_name="peer.joined")
async def joined(event: dict[str, Any]) -> None:
    """Somebody else's."""


@broker.task(task_name="peer.join")
async def join(message_id: str, meeting_id: int, member_id: int, nickname: str) -> None:
    await joined.kiq(await durable.join_async(broker.state.pool, message_id, meeting_id, member_id, nickname))


async def fill() -> None:
    await broker.startup()
    joins = durable.joins()
    while some := list(islice(joins, 500)):
        await asyncio.gather(*(join.kiq(**command) for command in some))
    await broker.shutdown()


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        asyncio.run(fill())
    else:
        program = [sys.executable, "-m", "taskiq", "worker", "tests.bench.peers.taskiq:broker"]
        program += ["--workers", str(durable.PROCESSES), "--max-async-tasks", str(durable.CONCURRENCY)]
        program += ["--ack-type", "when_executed", "--log-level", "WARNING"]
        os.execv(sys.executable, program)
