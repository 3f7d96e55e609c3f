"""The three private servers together: started at once, stopped at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from momo import settings
from momo.local.folder import locked
from momo.local.mariadb import MariaDB
from momo.local.place import HERE, Place
from momo.local.ports import Ports
from momo.local.rabbitmq import RabbitMQ
from momo.local.redis import Redis
from momo.local.server import LocalError, Server


class Servers:
    """RabbitMQ, MariaDB and Redis of one folder; each can be stopped, killed and started again by itself."""

    def __init__(self, rabbitmq: RabbitMQ, mariadb: MariaDB, redis: Redis) -> None:
        self.rabbitmq = rabbitmq
        self.mariadb = mariadb
        self.redis = redis

    @property
    def amqp_url(self) -> str:
        """AMQP, as the administrator guest."""
        return self.rabbitmq.url

    @property
    def amqp_management_url(self) -> str:
        """RabbitMQ's HTTP interface, as the administrator guest."""
        return self.rabbitmq.management_url

    @property
    def redis_url(self) -> str:
        """Redis, database 0."""
        return self.redis.url

    def db_url(self, service: str) -> str:
        """The database of `service`; the category service reads the user database."""
        return self.settings().db_url(service)

    def settings(self) -> settings.Settings:
        """Settings that point at these servers, with every other field at its default."""
        databases = {f"{service}_db_url": self.mariadb.url(service) for service in settings.DATABASES}
        return settings.Settings(
            amqp_url=self.amqp_url,
            amqp_management_url=self.amqp_management_url,
            redis_url=self.redis_url,
            **databases,  # type: ignore[arg-type]  # mypy thinks of the fields that are no URLs
        )


@asynccontextmanager
async def private_servers(
    folder: Path, ports: Mapping[str, int] | None = None, *, path: str | None = None, place: Place = HERE
) -> AsyncIterator[Servers]:
    """All three servers with their data under `folder`, for as long as the block runs.

    `ports` asks for ports by purpose (`rabbitmq`, `rabbitmq_management`, `mariadb`, `redis`); the others are those of
    last time or free. `path` replaces the search path for programs; `place` is where they run. Raises LocalError.
    """
    async with locked(folder) as lock:
        chosen = Ports(folder, ports)
        servers = Servers(
            RabbitMQ(folder, chosen, path=path, keep_open=[lock], place=place),
            MariaDB(folder, chosen, path=path, keep_open=[lock], place=place),
            Redis(folder, chosen, path=path, keep_open=[lock], place=place),
        )
        async with running([servers.rabbitmq, servers.mariadb, servers.redis]):
            yield servers


@asynccontextmanager
async def running(servers: Sequence[Server]) -> AsyncIterator[None]:
    """Start `servers` at once; when the block ends, stop them at once. Raises the first LocalError."""
    try:
        await _start_all(servers)
        yield
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


def chosen_servers(
    folder: Path, ports: Ports, given: Mapping[str, str], *, keep_open: Sequence[int] = ()
) -> tuple[list[Server], dict[str, str]]:
    """The private servers for which `given` names none, not started yet, and the variables that point at them.

    Raises LocalError when some databases are given and others not.
    """
    servers: list[Server] = []
    variables: dict[str, str] = {}
    if "MOMO_AMQP_URL" not in given:
        rabbitmq = RabbitMQ(folder, ports, keep_open=keep_open)
        servers.append(rabbitmq)
        variables |= {"MOMO_AMQP_URL": rabbitmq.url, "MOMO_AMQP_MANAGEMENT_URL": rabbitmq.management_url}
    databases = {service: settings.variable(f"{service}_db_url") for service in settings.DATABASES}
    missing = [name for name in databases.values() if name not in given]
    if missing and len(missing) < len(databases):
        raise LocalError(
            f"databases are either all given or all private: set {', '.join(missing)} too, or unset the rest"
        )
    if missing:
        mariadb = MariaDB(folder, ports, keep_open=keep_open)
        servers.append(mariadb)
        variables |= {name: mariadb.url(service) for service, name in databases.items()}
    if "MOMO_REDIS_URL" not in given:
        redis = Redis(folder, ports, keep_open=keep_open)
        servers.append(redis)
        variables["MOMO_REDIS_URL"] = redis.url
    return servers, variables


@asynccontextmanager
async def kept_running(servers: Sequence[Server], say: Callable[[str], None]) -> AsyncIterator[None]:
    """Like `running`, and a server that dies meanwhile is started again on the same port and data."""
    async with running(servers):
        keepers = [asyncio.create_task(_keep(server, say)) for server in servers]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


async def _keep(server: Server, say: Callable[[str], None]) -> None:
    delay = 0.0
    while True:
        say(f"{server.name} ended with {await server.ended()}; starting it again")
        await server.kill()  # what it may have left: its name service, its session
        while True:
            await asyncio.sleep(delay)
            try:
                await server.start()
                delay = 0.0
                break
            except LocalError as error:
                delay = min(10.0, max(0.5, delay * 2))
                say(f"{error}; trying again in {delay:g} s")


async def _start_all(servers: Sequence[Server]) -> None:
    try:
        async with asyncio.TaskGroup() as starting:
            for server in servers:
                starting.create_task(server.start())
    except BaseExceptionGroup as group:
        told = group.subgroup(LocalError)
        if told is None:
            raise
        raise next(error for error in told.exceptions if isinstance(error, LocalError)) from group
