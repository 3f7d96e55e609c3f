"""A gateway under real uvicorn, with databases and a virtual host of its own on the suite's servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import aio_pika
import aiohttp
import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from contracts.outcome import Outcome
from momo.gateway.server import running
from momo.gateway.tokens import Member, Tokens
from momo.live import Reply, encode_replies, reply_channel
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import Settings
from momo.store.connection import Connection, connected

VHOST = "gateway"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settings(servers: Servers) -> Settings:
    """Settings of databases and queues that no other test touches."""
    return msgspec.structs.replace(await prepare(servers, VHOST), port=0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(settings: Settings) -> AsyncIterator[str]:
    async with running(settings) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def token(settings: Settings) -> Callable[..., dict[str, str]]:
    """The Authorization header of a member."""

    def headers(member_id: int = 17, **more: str) -> dict[str, str]:
        member = Member(member_id=member_id, nickname=f"member{member_id}", role="member")
        return {"Authorization": f"Bearer {Tokens(settings.token_secret).sign(member)}", **more}

    return headers


@pytest.fixture
def database(settings: Settings) -> Callable[[str], AbstractAsyncContextManager[Connection]]:
    return lambda service: connected(settings.db_url(service))


@pytest_asyncio.fixture(loop_scope="session")
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.redis_url, protocol=2) as connection:
        yield connection


Consume = Callable[[str], AbstractAsyncContextManager["asyncio.Queue[aio_pika.abc.AbstractIncomingMessage]"]]


@pytest.fixture
def consume(settings: Settings) -> Consume:
    """What arrives in a queue while the block runs; what was left in it before is thrown away."""

    @asynccontextmanager
    async def consuming(name: str) -> AsyncIterator[asyncio.Queue[aio_pika.abc.AbstractIncomingMessage]]:
        connection = await aio_pika.connect(settings.amqp_url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(name)
            await queue.purge()
            arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
            await queue.consume(arrived.put, no_ack=True)
            yield arrived

    return consuming


@pytest.fixture
def keep(database: Callable[[str], AbstractAsyncContextManager[Connection]]) -> Callable[..., object]:
    """Writes what a worker writes: an inbox row with an outcome."""

    async def write(service: str, message_id: str, outcome: Outcome, fingerprint: str = "") -> None:
        async with database(service) as connection:
            await connection.change(
                "INSERT INTO inbox (message_id, fingerprint, sender, correlation_id, causation_id, queue, outcome,"
                " handled_at) VALUES (%s, %s, 'test', '', '', 'test.queue', %s, UTC_TIMESTAMP(6))",
                UUID(message_id).bytes,
                bytes.fromhex(fingerprint) or None,
                msgspec.json.encode(outcome),
            )

    return write


@pytest.fixture
def reply(redis: Redis) -> Callable[..., object]:
    """Answers a waiting gateway as a worker does."""

    async def publish(message: aio_pika.abc.AbstractIncomingMessage, outcome: Outcome) -> int:
        answer = Reply(str(message.message_id), outcome)
        return int(await redis.publish(reply_channel(str(message.reply_to)), encode_replies([answer])))

    return publish
