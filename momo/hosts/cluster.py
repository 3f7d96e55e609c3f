"""A RabbitMQ cluster: three nodes, each on a host of its own, that find each other by their addresses."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from momo.broker.management import ask, queues
from momo.chaos.members import Unsettled, until_none
from momo.hosts.network import Host
from momo.local.ports import Ports
from momo.local.rabbitmq import RabbitMQ
from momo.local.server import LocalError

log = logging.getLogger(__name__)

TICK_SECONDS = 10
"""After about so long without a word from a node it counts as down; 60 unless set."""
FORWARD_MS = 10_000
"""What leaves a delay or a queue for its dead letters is sent again when its new queue has not confirmed it within so
long, as when that has just lost its leader; three minutes unless set."""
FORMED_SECONDS = 60.0
REJOIN_SECONDS = 30.0
"""A paused node begins again within 10 s of seeing the others; one that has not by now hangs."""
CLUSTERED = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_partition_handling = pause_minority
queue_leader_locator = balanced
"""
"""A node that sees fewer than half of the others pauses, so that no two sides go on by themselves."""


class Node(RabbitMQ):
    """One node of `addresses`; all know the same `cookie`."""

    def __init__(self, folder: Path, ports: Ports, host: Host, addresses: Sequence[str], cookie: str) -> None:
        super().__init__(folder, ports, place=host.place)
        self.node = _node(host.place.address)
        self._nodes = list(map(_node, addresses))
        self._cookie = cookie

    def environment(self) -> Mapping[str, str]:
        """A node's name ends in its address, which others can reach with no name service."""
        given = super().environment()
        name, arguments = "RABBITMQ_NODENAME", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
        patience = (
            f"-kernel net_ticktime {TICK_SECONDS} -rabbit dead_letter_worker_publisher_confirm_timeout {FORWARD_MS}"
        )
        own = {name: self.node, "RABBITMQ_USE_LONGNAME": "true", arguments: f"{given[arguments]} {patience}"}
        return {**given, **own}

    def configuration(self) -> str:
        peers = (
            f"cluster_formation.classic_config.nodes.{rank} = {node}\n" for rank, node in enumerate(self._nodes, 1)
        )
        return super().configuration() + CLUSTERED + "".join(peers)

    async def prepare(self) -> None:
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(self._cookie)
            cookie.chmod(0o400)
        await super().prepare()


class Cluster:
    """The nodes, all on the same ports. `url` is AMQP and names all of them."""

    def __init__(self, folder: Path, ports: Ports, hosts: Sequence[Host]) -> None:
        addresses, cookie = [host.place.address for host in hosts], secrets.token_hex(16)
        self.nodes = [Node(folder / host.name, ports, host, addresses, cookie) for host in hosts]
        self.url = f"amqp://guest:guest@{','.join(f'{node.place.address}:{node.port}' for node in self.nodes)}/"

    async def formed(self) -> None:
        """Waits until every node counts all as running. Raises LocalError."""
        await until_none(FORMED_SECONDS, self.amiss)

    async def rejoin(self, node: Node) -> None:
        """Waits until all are together again after `node` was cut off, and restarts it where it hangs: RabbitMQ 3.10
        with Erlang 25.1 or newer may as it begins again (rabbitmq-server issue 6034)."""
        try:
            await until_none(REJOIN_SECONDS, self.amiss)
        except Unsettled as error:
            log.warning("%s is restarted: %s", node.node, str(error)[:200])
            await node.kill()
            await node.start()

    async def amiss(self) -> list[str]:
        """What keeps the cluster from outliving another node: nodes that are not with the others, and queues whose
        members are not all there, a line each."""
        return [line for lines in await asyncio.gather(*map(self._amiss_at, self.nodes)) for line in lines]

    async def _amiss_at(self, node: Node) -> list[str]:
        try:
            nodes = await ask(node.management_url, "GET", "nodes")
            there = await queues(node.management_url)
        except (aiohttp.ClientError, TimeoutError) as error:
            return [f"{node.node} does not answer: {type(error).__name__}"]
        if (running := sum(one["running"] for one in nodes)) < len(self.nodes):
            return [f"{node.node} sees {running} nodes"]
        return [
            f"{queue['name']} has {len(queue['online'])} members" for queue in there if _is_short(queue, self.nodes)
        ]

    async def leading(self) -> Counter[str]:
        """How many queues each node leads, by its name, as the first node says that answers. Raises LocalError."""
        for node in self.nodes:
            try:
                return Counter(queue["leader"] for queue in await queues(node.management_url) if "leader" in queue)
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("%s does not say who leads: %s", node.node, type(error).__name__)
        raise LocalError("no node says who leads its queues")


def _is_short(queue: Mapping[str, Any], nodes: Sequence[Node]) -> bool:
    return len(queue.get("online", nodes)) < len(nodes)


def _node(address: str) -> str:
    return f"momo@{address}"
