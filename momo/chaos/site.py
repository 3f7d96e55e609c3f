"""A site: a whole MOMO on private servers, with several processes of each kind and a wire to each server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import aiormq
import msgspec
from aiormq.exceptions import AMQPError

from contracts.topology import QUEUES
from momo.chaos.child import Child
from momo.chaos.ports import lasting_ports
from momo.chaos.proxy import Proxy, proxy
from momo.local.server import LocalError
from momo.local.servers import Servers, private_servers
from momo.local.stage import MOMO, prepare
from momo.settings import DATABASES, Settings, environment
from momo.store.connection import connected

HEARTBEAT_SECONDS = 3
"""Shorter than in production, so that a zombie is found out within a fault."""
READY_SECONDS = 60.0
SERVER_PORTS = (
    "rabbitmq", "rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_nodes", "rabbitmq_names", "mariadb", "redis",
)  # fmt: skip
DATABASE_USER = "momo"
"""Who MOMO's processes log in as: an administrator could write to a server that is read-only or full."""


class Unsettled(LocalError):
    """The site is not as it should be; the text says what is amiss."""


class Site:
    """The running site. `settings` go straight to the servers, those of the processes through `proxies`."""

    def __init__(
        self, servers: Servers, settings: Settings, proxies: Mapping[str, Proxy], members: list[Child], sandbox: Child
    ) -> None:
        self.servers = servers
        self.settings = settings
        self.proxies = proxies
        self.members = members
        self.sandbox = sandbox

    @property
    def gateways(self) -> list[str]:
        """The gateways' base URLs."""
        return [child.ready_url.removesuffix("/health/ready") for child in self.role("gateway")]

    def role(self, role: str) -> list[Child]:
        """The members that are a `gateway`, `worker` or `relay`."""
        return [child for child in self.members if child.role == role]

    async def kill(self, child: Child) -> None:
        """SIGKILL; the site starts it again."""
        await child.kill()

    async def stop(self, child: Child) -> int:
        """SIGTERM, and waits for its end: its return code. It stays away until `start`."""
        return await child.stop(self.settings.grace_seconds + 5)

    async def start(self, child: Child) -> None:
        """Starts a child that was stopped."""
        await child.start()

    async def ready(self, child: Child, timeout: float = READY_SECONDS) -> None:  # noqa: ASYNC109
        """Waits until `child` says that it does its work. Raises Unsettled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
            await _until_none(timeout, lambda: _unready(http, child))

    async def settled(self, timeout: float = READY_SECONDS) -> None:  # noqa: ASYNC109
        """Waits until every process runs and is ready, and every queue has its consumers. Raises Unsettled."""
        await _until_none(timeout, self.amiss)

    async def amiss(self) -> list[str]:
        """What is not as it should be, a line each."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
            said = await asyncio.gather(*(_unready(http, child) for child in [*self.members, self.sandbox]))
        found = [line for lines in said for line in lines]
        return found or await self._unconsumed()

    async def consumers(self) -> dict[str, int]:
        """How many consumers each queue has. Raises what aiormq raises where the broker or a queue is not there."""
        connection = await aiormq.connect(self.settings.amqp_url)
        try:
            channel = await connection.channel()
            answers = [await channel.queue_declare(queue.name, passive=True, timeout=5) for queue in QUEUES]
        finally:
            await connection.close()
        return {queue.name: answer.consumer_count or 0 for queue, answer in zip(QUEUES, answers, strict=True)}

    async def open(self) -> None:
        """Starts every process, and waits until all have settled."""
        await asyncio.gather(*(child.start() for child in [self.sandbox, *self.members]))
        await self.settled()

    async def close(self) -> None:
        """Ends every process: gateways first, so that what they have sent is still carried out."""
        await asyncio.gather(*map(self.stop, self.role("gateway")))
        await asyncio.gather(*(self.stop(child) for child in [*self.members, self.sandbox]))

    async def _unconsumed(self) -> list[str]:
        wanted = len(self.role("worker"))
        try:
            async with asyncio.timeout(5):
                counts = await self.consumers()
        except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
            return [f"the consumers can't be counted: {type(error).__name__}: {error}"]
        return [f"{name} has {count} consumers, not {wanted}" for name, count in counts.items() if count < wanted]


@asynccontextmanager
async def open_site(
    folder: Path, *, gateways: int = 2, workers: int = 2, relays: int = 2, program: Sequence[str] = MOMO
) -> AsyncIterator[Site]:
    """A site with its data and its processes' output under `folder`, settled. Raises LocalError.

    `program` is the command line of `momo` without its arguments.
    """
    ports = lasting_ports()
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(private_servers(folder, {name: next(ports) for name in SERVER_PORTS}))
        settings = msgspec.structs.replace(
            await prepare(servers), port=next(ports), toss_url=f"http://127.0.0.1:{next(ports)}"
        )
        await _add_user(servers)
        toss = urlsplit(settings.toss_url).port or 0
        targets = {
            "amqp": servers.rabbitmq.port,
            "mysql": servers.mariadb.port,
            "redis": servers.redis.port,
            "toss": toss,
        }
        proxies = {
            name: await stack.enter_async_context(proxy(target, next(ports))) for name, target in targets.items()
        }
        inside = _through(settings, proxies)

        def child(role: str, command: str, number: int, **changes: int) -> Child:
            own = msgspec.structs.replace(inside, **changes)
            name = f"{role}-{number}"
            url = f"http://{own.host}:{own.port if role == 'gateway' else own.metrics_port}/health/ready"
            return Child(name, role, [*program, command], _environment(own), url, folder / f"{name}.log")

        members = [child("gateway", "serve", n, port=settings.port if n == 1 else next(ports)) for n in _to(gateways)]
        members += [child("worker", "work", n, metrics_port=next(ports)) for n in _to(workers)]
        members += [child("relay", "relay", n, metrics_port=next(ports)) for n in _to(relays)]
        sandbox = Child(
            "toss-sandbox",
            "toss-sandbox",
            [*MOMO, "toss-sandbox"],
            _environment(settings),
            f"{settings.toss_url}/sandbox/health",
            folder / "toss-sandbox.log",
        )
        site = Site(servers, settings, proxies, members, sandbox)
        stack.push_async_callback(site.close)
        await site.open()
        yield site


def _to(count: int) -> range:
    return range(1, count + 1)


def _through(settings: Settings, proxies: Mapping[str, Proxy]) -> Settings:
    """`settings` of the processes: by way of the proxies, as the user that may not do everything."""
    databases = {
        f"{service}_db_url": proxies["mysql"]
        .instead_of(settings.db_url(service))
        .replace("//root@", f"//{DATABASE_USER}@")
        for service in DATABASES
    }
    return msgspec.structs.replace(
        settings,
        amqp_url=f"{proxies['amqp'].instead_of(settings.amqp_url)}?heartbeat={HEARTBEAT_SECONDS}",
        redis_url=proxies["redis"].instead_of(settings.redis_url),
        toss_url=proxies["toss"].instead_of(settings.toss_url),
        **databases,
    )


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **environment(settings)}


async def _add_user(servers: Servers) -> None:
    async with connected(servers.db_url("user")) as database:
        await database.change(f"CREATE OR REPLACE USER {DATABASE_USER}@127.0.0.1")
        await database.change(f"GRANT ALL ON `momo\\_%`.* TO {DATABASE_USER}@127.0.0.1")


async def _unready(http: aiohttp.ClientSession, child: Child) -> list[str]:
    if child.pid is None:
        return [f"{child.name} does not run"]
    try:
        async with http.get(child.ready_url) as response:
            if response.status == 200:  # OK
                return []
            return [f"{child.name} says {response.status}: {(await response.text())[:300]}"]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [f"{child.name} does not answer: {type(error).__name__}"]


async def _until_none(seconds: float, amiss: Callable[[], Awaitable[list[str]]]) -> None:
    left = ["nothing was looked at in time"]
    try:
        async with asyncio.timeout(seconds):
            while left := await amiss():  # noqa: ASYNC110  # other processes have no event for us
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise Unsettled(f"not settled after {seconds:g} s: {'; '.join(left)}") from None
