"""What the costs say of one machine that runs a gateway, a worker a service, a relay and the three servers."""

from __future__ import annotations

from momo.settings import DATABASES
from momo.sizing.costs import Costs
from momo.sizing.demand import SECOND, Demand

MOST = 0.95
"""Beyond such a share of the cores, how long things take can't be told any more."""
STEPS = 40


def parts(costs: Costs, rate: float, cores: int) -> dict[str, float]:
    """Cores that `rate` commands/s of the mix keep busy, by part, with what each uses when idle. The busier the
    machine, the longer each flush takes, and the more it takes at once."""
    slow = 1.0
    for _ in range(STEPS):
        found = _parts(costs, Demand(costs, rate, slow))
        slow = (slow + 1 / (1 - min(MOST, sum(found.values()) / cores))) / 2
    return found


def _parts(costs: Costs, demand: Demand) -> dict[str, float]:
    found = {
        "gateway": demand.gateway(1) + _idle(costs, "gateway"),
        "relay": _idle(costs, "relay"),
        "rabbitmq": demand.broker() + _idle(costs, "rabbitmq"),
        "mariadb": sum(demand.database(service, 1, 1) for service in DATABASES) + _idle(costs, "mariadb"),
        "redis": demand.redis(1) + _idle(costs, "redis"),
    }
    for service in DATABASES:
        found[f"{service} worker"] = demand.workers(service, 1) + _idle(costs, "worker")
    return found


def drain_rate(costs: Costs, cores: int) -> float:
    """Joins/s that one worker process takes from a queue that is never empty, where it shares `cores` with RabbitMQ and
    MariaDB: each is taken from a queue, and puts an event into one."""
    worker = costs["meeting.bulk.worker_us"]
    together = worker + costs["push.bulk.rabbitmq_us"] + costs["meeting.bulk.mariadb_us"]
    return min(SECOND / worker, cores * SECOND / together)


def _idle(costs: Costs, part: str) -> float:
    return costs[f"idle.{part}_us"] / SECOND
