"""How many of each part: so that none is busier than `TARGET`, and one more than that, to be lost."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import msgspec

from momo.relay import INBOX_KEPT
from momo.settings import DATABASES
from momo.sizing.costs import Costs
from momo.sizing.demand import Demand, hottest

TARGET = 0.6
"""The share of a core, or of what a queue was measured to take, that is planned with."""
SPARE = 1
SERVER_CORES = 4
"""Of a node of RabbitMQ or a primary of a database."""
REPLICAS = 3
"""Of a quorum queue."""
CLUSTER_NODES = 7
"""The most nodes of one RabbitMQ cluster; beyond them there is another cluster."""
INBOX_DAYS = INBOX_KEPT.days
DAY = 86_400


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """`cores` busy with all replicas, `nodes` in all `clusters`, `partitions` of queues that need more than one."""

    cores: float
    nodes: int
    clusters: int
    partitions: dict[str, int]
    disk_bytes: float
    fsyncs: float


class Databases(msgspec.Struct, frozen=True, kw_only=True):
    """`cores` busy and `shards` by service: a shard is a primary with a replica. `fsyncs` and written bytes a second of
    all primaries; bytes that stay: of the inbox in all, of everything else a day."""

    cores: dict[str, float]
    shards: dict[str, int]
    fsyncs: float
    written_bytes: float
    inbox_bytes: float
    grows_bytes_a_day: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `commands_per_second` take. Processes have a core each; `*_busy` is how busy one is, spares not counted."""

    commands_per_second: float
    messages_per_second: float
    gateways: int
    gateway_busy: float
    workers: dict[str, int]
    worker_busy: dict[str, float]
    relays: int
    broker: Broker
    databases: Databases
    redis_nodes: int
    redis_cores: float
    wires: dict[str, float]


def plan(costs: Costs, rate: float) -> Plan:
    """Raises CostsError where `costs` lack a figure."""
    demand = Demand(costs, rate)
    gateways = least(demand.gateway, TARGET)
    workers = {service: least(partial(demand.workers, service), TARGET) for service in DATABASES}
    shards = {
        service: least(partial(demand.database, service, count), SERVER_CORES * TARGET)
        for service, count in workers.items()
    }
    redis = least(demand.redis, TARGET)
    return Plan(
        commands_per_second=rate,
        messages_per_second=demand.messages,
        gateways=gateways + SPARE,
        gateway_busy=demand.gateway(gateways) / gateways,
        workers={service: count + SPARE for service, count in workers.items()},
        worker_busy={service: demand.workers(service, count) / count for service, count in workers.items()},
        relays=(1 + SPARE) * len(DATABASES),
        broker=_broker(costs, demand),
        databases=Databases(
            cores={service: demand.database(service, workers[service], count) for service, count in shards.items()},
            shards=shards,
            fsyncs=demand.decided("mariadb_fsyncs", workers),
            written_bytes=demand.decided("mariadb_disk_bytes", workers),
            inbox_bytes=demand.stored("inbox_bytes") * DAY * INBOX_DAYS,
            grows_bytes_a_day=(demand.stored("stored_bytes") - demand.stored("inbox_bytes")) * DAY,
        ),
        redis_nodes=redis,
        redis_cores=demand.redis(redis),
        wires=demand.wires(workers),
    )


def least(busy: Callable[[int], float], allowed: float) -> int:
    """The fewest over which `busy` cores spread so that each has at most `allowed` of them."""
    enough = 1
    while busy(enough) > allowed * enough:
        enough *= 2
    few = enough // 2
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if busy(middle) <= allowed * middle else (middle, enough)
    return enough


def _broker(costs: Costs, demand: Demand) -> Broker:
    cores = demand.broker() + (REPLICAS - 1) * demand.followers()
    usable = math.ceil(cores / (SERVER_CORES * TARGET))
    clusters = math.ceil(usable / (CLUSTER_NODES - SPARE))
    nodes = CLUSTER_NODES * clusters if clusters > 1 else _odd(max(REPLICAS, usable + SPARE))
    limit = costs.most("push") * TARGET
    split = {queue.name: math.ceil(rate / limit) for queue, rate in demand.queues.items()}
    hot, most = hottest(demand.queues.items())
    fsyncs = costs.curve("push", "rabbitmq_fsyncs").at(most / max(1, split[hot.name]))
    return Broker(
        cores=cores,
        nodes=nodes,
        clusters=clusters,
        partitions={name: count for name, count in split.items() if count > 1},
        disk_bytes=demand.messages * costs["publish.rabbitmq_disk_bytes"] * REPLICAS,
        fsyncs=demand.messages * fsyncs * REPLICAS,
    )


def _odd(nodes: int) -> int:
    """A cluster of an even number survives no more losses than one of a node less."""
    return nodes | 1
