"""A site: a whole MOMO on private servers, with several processes of each kind and a wire to each server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from momo.chaos.child import Child
from momo.chaos.members import Members
from momo.chaos.ports import lasting_ports
from momo.chaos.proxy import Proxy, proxy
from momo.local.servers import Servers, private_servers
from momo.local.stage import MOMO, prepare
from momo.settings import DATABASES, Settings, inherited
from momo.store.connection import connected

HEARTBEAT_SECONDS = 3
"""Shorter than in production, so that a zombie is found out within a fault."""
SERVER_PORTS = (
    "rabbitmq", "rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_nodes", "rabbitmq_names", "mariadb", "redis",
)  # fmt: skip
DATABASE_USER = "momo"
"""Who MOMO's processes log in as: an administrator could write to a server that is read-only or full."""


class Site(Members):
    """The running site. `settings` go straight to the servers, those of the processes through `proxies`."""

    def __init__(
        self, servers: Servers, settings: Settings, proxies: Mapping[str, Proxy], members: list[Child], sandbox: Child
    ) -> None:
        super().__init__(settings, members, sandbox)
        self.servers = servers
        self.proxies = proxies


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
            return Child(name, role, [*program, command], inherited(own), url, folder / f"{name}.log")

        members = [child("gateway", "serve", n, port=settings.port if n == 1 else next(ports)) for n in _to(gateways)]
        members += [child("worker", "work", n, metrics_port=next(ports)) for n in _to(workers)]
        members += [child("relay", "relay", n, metrics_port=next(ports)) for n in _to(relays)]
        sandbox = Child(
            "toss-sandbox",
            "toss-sandbox",
            [*MOMO, "toss-sandbox"],
            inherited(settings),
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


async def _add_user(servers: Servers) -> None:
    async with connected(servers.db_url("user")) as database:
        await database.change(f"CREATE OR REPLACE USER {DATABASE_USER}@127.0.0.1")
        await database.change(f"GRANT ALL ON `momo\\_%`.* TO {DATABASE_USER}@127.0.0.1")
