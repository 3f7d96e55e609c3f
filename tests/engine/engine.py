"""The engine under test: its servers as a test sees them, and workers in this process or in one of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import msgspec
from aiormq.abc import DeliveredMessage

from contracts.base import Message
from contracts.outcome import Outcome
from contracts.topology import Queue
from momo.actors.inbox import decode_outcome
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.settings import Settings, environment
from momo.store.connection import Connection
from momo.worker import Service, Worker
from tests.engine.counter import Counter
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SPAWNED: list[Process] = []


class Engine(msgspec.Struct):
    """A broker and a database with counters, and what tests do with them."""

    settings: Settings
    database: Connection
    publisher: Publisher
    channel: Any

    async def send(self, *messages: Message | Envelope) -> list[str]:
        """Publishes; the message ids."""
        sealed = [m if isinstance(m, Envelope) else seal(m, message_id=fresh_id()) for m in messages]
        await self.publisher.publish(sealed)
        return [envelope.message_id for envelope in sealed]

    async def send_raw(
        self, queue: Queue, body: bytes, headers: dict[str, Any] | None = None, **properties: Any
    ) -> None:
        """Publishes as any other program would, straight to `queue`."""
        message = aio_pika.Message(body, headers=headers or {}, **properties)
        await self.channel.default_exchange.publish(message, routing_key=queue.name)

    async def take(self, queue: str, timeout: float = 10.0) -> Any:  # noqa: ASYNC109
        """The next message of `queue`, acknowledged."""
        found: list[DeliveredMessage] = []

        async def taken() -> bool:
            message = await (await self.channel.get_queue(queue, ensure=False)).get(fail=False, no_ack=True)
            found.extend([message] if message is not None else [])
            return bool(found)

        await eventually(taken, timeout)
        return found[0]

    async def depth(self, queue: str) -> int:
        """How many messages are ready in `queue`."""
        declared = await (await self.channel.get_queue(queue, ensure=False)).channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count)

    async def counter(self, counter: int) -> Counter:
        rows = await self.database.rows(
            "SELECT counter_id, total, steps, trail FROM counters WHERE counter_id=%s", counter
        )
        return (
            Counter(**dict(zip(("counter_id", "total", "steps", "trail"), rows[0], strict=True)))
            if rows
            else Counter(counter_id=counter)
        )

    async def total(self, counter: int) -> int:
        return (await self.counter(counter)).total

    async def outcome(self, message_id: str) -> Outcome | None:
        """What the inbox says of a message."""
        rows = await self.database.rows("SELECT outcome FROM inbox WHERE message_id=%s", UUID(message_id).bytes)
        return decode_outcome(rows[0][0]) if rows else None

    async def state(self, message_id: str) -> str:
        found = await self.outcome(message_id)
        return found.state if found else ""

    async def count(self, table: str) -> int:
        [(count,)] = await self.database.rows(f"SELECT COUNT(*) FROM {table}")
        return int(count)


@asynccontextmanager
async def working(settings: Settings, *services: Service, ready: bool = True) -> AsyncIterator[Worker]:
    """A worker of `services` in this process, stopped in order at the end."""
    worker = Worker(settings, services)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        if ready:
            await eventually(lambda: worker.ready or task.done())
        yield worker
    finally:
        stop.set()
        await task


async def spawn(settings: Settings, argv: Sequence[str], **variables: str) -> Process:
    """A Python process with MOMO's settings; the caller ends it, or the test's end does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        cwd=ROOT,
        env={**os.environ, **environment(settings), **variables},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    SPAWNED.append(process)
    return process


async def end_spawned() -> None:
    """Ends what a failed test has left running."""
    while SPAWNED:
        process = SPAWNED.pop()
        if process.returncode is None:
            process.kill()
            await process.wait()
