"""A whole MOMO on five hosts: three with a RabbitMQ node, a gateway, a worker and a relay each, two with a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from momo.broker.management import add_vhost
from momo.broker.topology import declare, topology
from momo.chaos.child import Child
from momo.chaos.members import Members
from momo.chaos.ports import lasting_ports
from momo.hosts.cluster import Cluster
from momo.hosts.network import Host, network
from momo.hosts.pair import USER, Pair
from momo.local.ports import Ports
from momo.local.redis import Redis
from momo.local.servers import running
from momo.local.stage import MOMO
from momo.settings import DATABASES, Settings, inherited
from momo.store.migrate import folder as migrations
from momo.store.migrate import migrate_all

NAMES = ("a", "b", "c", "d", "e")
BROKERS = 3
HEARTBEAT_SECONDS = 5
"""By this the broker gives the messages of a host that was cut off to others within 10 s."""
PORTS = (
    "rabbitmq", "rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_nodes", "rabbitmq_names", "mariadb", "redis",
    "toss", "gateway", "worker", "relay",
)  # fmt: skip
VHOST = "momo"


class HostsSite(Members):
    """The running site. `settings` are an administrator's and name every node and both database servers."""

    def __init__(
        self,
        settings: Settings,
        members: list[Child],
        sandbox: Child,
        *,
        hosts: Sequence[Host],
        cluster: Cluster,
        pair: Pair,
    ) -> None:
        super().__init__(settings, members, sandbox)
        self.hosts = hosts
        self.cluster = cluster
        self.pair = pair

    async def amiss(self) -> list[str]:
        """What is not as it should be, a line each: of the processes, and of the cluster, which could not lose another
        node yet."""
        return await super().amiss() or await self.cluster.amiss()

    def on(self, host: Host) -> list[Child]:
        """The members that run on `host`."""
        return [child for child in self.members if child.argv[: len(host.place.within)] == list(host.place.within)]


@asynccontextmanager
async def open_hosts(folder: Path, *, program: Sequence[str] = MOMO) -> AsyncIterator[HostsSite]:
    """A site with its data and its processes' output under `folder`, settled. Raises LocalError."""
    ports = dict(zip(PORTS, lasting_ports(), strict=False))
    async with AsyncExitStack() as stack:
        hosts = await stack.enter_async_context(network(NAMES))
        for host in hosts:
            (folder / host.name).mkdir()
        (folder / "ports").mkdir()
        same = Ports(folder / "ports", ports)
        cluster, pair = Cluster(folder, same, hosts[:BROKERS]), Pair(folder, same, hosts[BROKERS:])
        data = hosts[BROKERS]
        redis = Redis(folder / data.name, same, place=data.place)
        await stack.enter_async_context(running([*cluster.nodes, *pair.halves, redis]))
        settings = Settings(
            amqp_url=f"{cluster.url}{VHOST}?heartbeat={HEARTBEAT_SECONDS}",
            amqp_management_url=cluster.nodes[0].management_url,
            redis_url=redis.url,
            toss_url=f"http://{data.place.address}:{ports['toss']}",
            **{f"{service}_db_url": pair.url("root", f"momo_{service}_db") for service in DATABASES},  # type: ignore[arg-type]  # mypy thinks of the fields that are no URLs
        )
        await asyncio.gather(_cluster(cluster, settings), _databases(pair, settings))
        site = HostsSite(
            settings,
            [_member(folder, settings, host, role, ports, program) for host in hosts[:BROKERS] for role in _ROLES],
            _sandbox(folder, settings, data, hosts[0], ports),
            hosts=hosts,
            cluster=cluster,
            pair=pair,
        )
        stack.push_async_callback(site.close)
        await site.open()
        yield site


_ROLES = {"gateway": "serve", "worker": "work", "relay": "relay"}


async def _cluster(cluster: Cluster, settings: Settings) -> None:
    """A queue that is declared before all nodes are there has members on those alone that are."""
    await cluster.formed()
    await add_vhost(settings.amqp_management_url, VHOST)
    await declare(settings.amqp_url, topology())


async def _databases(pair: Pair, settings: Settings) -> None:
    await pair.begin()
    await migrate_all(settings, migrations())


def _member(  # noqa: PLR0917
    folder: Path, settings: Settings, host: Host, role: str, ports: dict[str, int], program: Sequence[str]
) -> Child:
    databases = {
        f"{service}_db_url": settings.db_url(service).replace("//root@", f"//{USER}@") for service in DATABASES
    }
    own = msgspec.structs.replace(
        settings,
        host=host.place.address,
        **{"port" if role == "gateway" else "metrics_port": ports[role]},
        **databases,
    )
    name = f"{role}-{host.name}"
    return Child(
        name,
        role,
        [*host.place.within, *program, _ROLES[role]],
        inherited(own),
        f"http://{host.place.address}:{ports[role]}/health/ready",
        folder / f"{name}.log",
    )


def _sandbox(folder: Path, settings: Settings, host: Host, gateway: Host, ports: dict[str, int]) -> Child:
    """Its webhooks go to one of the gateways; while that is away, payments are found out by asking."""
    told = msgspec.structs.replace(settings, host=gateway.place.address, port=ports["gateway"])
    return Child(
        "toss-sandbox",
        "toss-sandbox",
        [*host.place.within, *MOMO, "toss-sandbox"],
        inherited(told),
        f"{settings.toss_url}/sandbox/health",
        folder / "toss-sandbox.log",
    )
