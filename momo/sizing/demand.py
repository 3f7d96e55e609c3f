"""What a rate of commands asks of each part, when its work is spread over so many."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.topology import Queue
from momo.settings import DATABASES
from momo.sizing.costs import Costs, way_of
from momo.sizing.flushes import Flushes
from momo.sizing.mix import commands, handled

SECOND = 1e6
"""CPU is counted in µs, used in cores."""


class Demand:
    """`rate` commands/s of the mix, where flushes take `slow` times as long as on a machine with nothing else to do.
    Each figure is for all of a part together; work is cheaper where fewer share it, since each then finds more at
    once."""

    def __init__(self, costs: Costs, rate: float, slow: float = 1.0) -> None:
        self.rate = rate
        self._slow = slow
        self.queues: dict[Queue, float] = {queue: rate * count for queue, count in handled().items()}
        self._costs = costs
        self.flushes = {service: Flushes(costs, service, self.of(service)) for service in DATABASES}
        self._commands = {service: rate * share for service, share in commands().items()}

    @property
    def messages(self) -> float:
        """Handled a second, of all queues."""
        return sum(self.queues.values())

    def of(self, service: str) -> dict[Queue, float]:
        """Messages/s by queue of `service`."""
        return {queue: rate for queue, rate in self.queues.items() if queue.service == service}

    def gateway(self, processes: int) -> float:
        """Cores."""
        cost = self._costs.curve("gateway", "gateway_us").at(self.rate / processes)
        return self.rate * cost / SECOND

    def workers(self, service: str, processes: int) -> float:
        """Cores."""
        flushes = self.flushes[service]
        return self._total(service) * flushes.worker.at(flushes.size(processes, self._slow)) / SECOND

    def database(self, service: str, processes: int, shards: int) -> float:
        """Cores of the primaries: the work of as many worker processes, and the gateways' looks into the inbox."""
        flushes = self.flushes[service]
        looks = self._commands.get(service, 0.0)
        look = self._costs.curve("gateway", "mariadb_us").at(looks / shards)
        work = self._total(service) * flushes.database.at(flushes.size(processes, self._slow))
        return (work + looks * look) / SECOND

    def broker(self) -> float:
        """Cores of the leaders: each message is published once and consumed once."""
        curve = self._costs.curve("push", "rabbitmq_us")
        return sum(rate * curve.at(rate) for rate in self.queues.values()) / SECOND

    def followers(self) -> float:
        """Cores of one more replica of every queue, which at most stores what its leader is told to publish."""
        return self.broker() * self._costs["publish.rabbitmq_us"] / self._costs["push.bulk.rabbitmq_us"]

    def redis(self, nodes: int) -> float:
        """Cores; a node's commands have one thread."""
        pushes = sum(rate for queue, rate in self.queues.items() if way_of(queue) == "push")
        asked = self.rate * self._costs.curve("gateway", "redis_us").at(self.rate / nodes)
        pushed = pushes * self._costs.curve("push", "redis_us").at(pushes / nodes)
        return (asked + pushed) / SECOND

    def decided(self, figure: str, processes: dict[str, int]) -> float:
        """A figure of the databases, of all messages in a second."""
        return sum(
            self._total(service) * flushes.of(figure).at(flushes.size(processes[service], self._slow))
            for service, flushes in self.flushes.items()
        )

    def stored(self, figure: str) -> float:
        """Bytes/s that stay in the databases: `inbox_bytes` or `stored_bytes`, of the messages that leave rows."""
        return sum(
            rate * self._costs[f"{queue.service}.{figure}"]
            for queue, rate in self.queues.items()
            if queue.kind == "decision"
        )

    def wires(self, processes: dict[str, int]) -> dict[str, float]:
        """Bytes/s between the parts."""
        costs = self._costs
        return {
            "clients": self.rate * costs["gateway.bulk.client_bytes"],
            "RabbitMQ": self.messages * costs["push.bulk.amqp_bytes"],
            "databases": self.decided("sql_bytes", processes) + self.rate * costs["gateway.bulk.sql_bytes"],
            "Redis": self.rate * costs["gateway.bulk.redis_bytes"]
            + sum(r for q, r in self.queues.items() if way_of(q) == "push") * costs["push.bulk.redis_bytes"],
        }

    def _total(self, service: str) -> float:
        return sum(self.of(service).values())


def hottest(queues: Iterable[tuple[Queue, float]]) -> tuple[Queue, float]:
    """The queue with the highest rate."""
    return max(queues, key=lambda found: found[1])
