"""What a case stands on: private servers, a migrated MOMO on them, how much to measure, and what is known so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiormq
import msgspec
from redis.asyncio import Redis

from contracts.topology import QUEUES
from momo.local.server import Server
from momo.local.servers import Servers
from momo.settings import DATABASES, Settings
from momo.store.connection import Connection, connected

Figures = dict[str, float]
"""What a case has measured: a figure's name with its unit at the end, and its value."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much a case measures: messages, requests, connections, sockets and rows; `seconds` of each open-loop load."""

    drain: int = 40_000
    spread: int = 20_000
    meetings: int = 10_000
    sagas: int = 2_000
    requests: int = 1_000
    seconds: float = 10.0
    rates: tuple[int, ...] = (250, 500, 1_000, 2_000, 4_000, 8_000)
    lines: int = 512
    sockets: int = 10_000
    pushes: int = 1_000
    waiting: int = 1_000_000
    inbox: int = 10_000_000
    first: int = 20_000
    peers: int = 4_000
    handover: int = 200_000


FULL = Size()
QUICK = Size(
    drain=10_000,
    spread=10_000,
    sagas=200,
    sockets=3_000,
    requests=300,
    seconds=2.5,
    rates=(250, 500, 1_000, 2_000, 4_000),
    waiting=60_000,
    inbox=500_000,
    first=10_000,
    peers=1_000,
    handover=20_000,
)


class Ground(msgspec.Struct, kw_only=True):
    """`drain_rate` is what the drain case has found on these servers, in messages/s, and `costs` are what the cost case
    has: 0 and empty before they ran."""

    settings: Settings
    servers: Servers
    size: Size
    say: Callable[[str], None]
    repeat: int = 1
    drain_rate: float = 0.0
    costs: Figures = {}

    def pid(self, server: Server) -> int:
        """The process of one of `servers`. Raises RuntimeError where it does not run."""
        child = server._process  # noqa: SLF001 - nobody but a measurement asks
        if child is None:
            raise RuntimeError(f"{server.name} does not run")
        return child.pid


Case = Callable[[Ground], Awaitable[Figures]]

KEPT = ("flyway_schema_history", "id_blocks", "categories")


async def reset(settings: Settings) -> None:
    """Empties the queues, the databases and Redis: what a case left behind must not weigh on the next."""
    broker = await aiormq.connect(settings.amqp_url)
    try:
        channel = await broker.channel()
        for queue in QUEUES:
            await channel.queue_purge(queue.name)
    finally:
        await broker.close()
    for service in DATABASES:
        async with connected(settings.db_url(service)) as database:
            for table in await tables_of(database):
                if table not in KEPT:
                    await database.change(f"TRUNCATE TABLE `{table}`")
    redis = Redis.from_url(settings.redis_url)
    await redis.flushdb()
    await redis.aclose()


async def tables_of(database: Connection) -> list[str]:
    """The names of the tables of a database."""
    rows = await database.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    return [name for (name,) in rows]


async def waiting(settings: Settings, queue: str) -> int:
    """How many messages wait in `queue`."""
    broker = await aiormq.connect(settings.amqp_url)
    try:
        answer = await (await broker.channel()).queue_declare(queue, passive=True)
        return int(answer.message_count or 0)
    finally:
        await broker.close()
