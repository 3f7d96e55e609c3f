"""A MOMO of simulated stations, driven by the measured costs: gateways, broker, queues, lanes that flush, databases."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import simpy

from momo.settings import DATABASES, Settings
from momo.sizing.costs import Costs
from momo.sizing.demand import SECOND, Demand
from momo.sizing.mix import commands
from momo.sizing.plan import REPLICAS, SERVER_CORES, Plan

TICK = 0.005
"""Commands that arrive within it arrive together."""

Step = Generator[Any, Any, None]


class Station:
    """`servers` that work at one lot each; `busy` is the seconds that they have worked in all."""

    def __init__(self, env: simpy.Environment, servers: int) -> None:
        self.servers = servers
        self.busy = 0.0
        self._env = env
        self._resource = simpy.Resource(env, servers)

    def work(self, seconds: float) -> Step:
        with self._resource.request() as turn:
            yield turn
            yield self._env.timeout(seconds)
        self.busy += seconds


class Queue:
    """Lots of messages for one lane, each with the time when its command was sent."""

    def __init__(self, env: simpy.Environment) -> None:
        self.waiting = 0
        self._env = env
        self._lots: deque[tuple[float, int]] = deque()
        self._more = env.event()

    def put(self, born: float, count: int) -> None:
        self._lots.append((born, count))
        self.waiting += count
        if not self._more.triggered:
            self._more.succeed()

    def some(self) -> simpy.Event:
        """Done once there is something to take."""
        if self._lots:
            return self._env.timeout(0)
        if self._more.triggered:
            self._more = self._env.event()
        return self._more

    def take(self, most: int) -> list[tuple[float, int]]:
        taken: list[tuple[float, int]] = []
        while self._lots and most:
            born, count = self._lots.popleft()
            now = min(count, most)
            taken.append((born, now))
            if count > now:
                self._lots.appendleft((born, count - now))
            most -= now
        self.waiting -= sum(count for _, count in taken)
        return taken

    @property
    def age(self) -> float:
        """Seconds since the oldest waiting message's command was sent."""
        return self._env.now - self._lots[0][0] if self._lots else 0.0


class Service:
    """A service's workers, `lanes` each, on its database. What a command causes in other services goes out with the
    flush that decides it: chains of several messages are one hop here."""

    def __init__(self, cell: Cell, name: str, workers: int, shards: int) -> None:
        self.name = name
        self.processes = [Station(cell.env, 1) for _ in range(workers)]
        self.database = Station(cell.env, shards * SERVER_CORES)
        self.alive = workers
        self._cell = cell
        self._flushes = cell.demand.flushes[name]
        self._random = random.Random(name)
        self._lanes = [[Queue(cell.env) for _ in range(Settings().lanes)] for _ in self.processes]
        for process, lanes in zip(self.processes, self._lanes, strict=True):
            for queue in lanes:
                cell.env.process(self._lane(process, queue))

    @property
    def age(self) -> float:
        """Of the oldest message that waits, in seconds."""
        return max(queue.age for lanes in self._lanes for queue in lanes)

    def put(self, born: float, count: int) -> None:
        """Each message goes to any process that lives, and there to the lane of its actor."""
        for _ in range(count):
            self._random.choice(self._random.choice(self._lanes[: self.alive])).put(born, 1)

    def lose(self, count: int) -> None:
        """What the lost ones hold goes to the others."""
        self.alive -= count
        for lanes in self._lanes[self.alive :]:
            for queue in lanes:
                for born, size in queue.take(queue.waiting):
                    self.put(born, size)

    def _lane(self, process: Station, queue: Queue) -> Step:
        cell = self._cell
        while True:
            yield queue.some()
            lots = queue.take(Settings().batch)
            if not (count := sum(size for _, size in lots)):
                continue
            yield cell.env.process(process.work(count * self._flushes.worker.at(count) / SECOND))
            yield cell.env.process(self.database.work(count * self._flushes.database.at(count) / SECOND))
            yield cell.env.timeout(self._flushes.wait / SECOND)
            cell.flushed(self, lots)


class Cell:
    """`plan` as stations. `pace` gives commands/s at a time in seconds; `lost` processes of each service end at
    `lost_at`. `ages` has the age of the oldest message that waits, at each tick of the time that `run` has run."""

    def __init__(
        self,
        costs: Costs,
        plan: Plan,
        pace: Callable[[float], float],
        *,
        lost: int = 0,
        lost_at: float = 0.0,
        seed: int = 7,
    ) -> None:
        self.env = simpy.Environment()
        self.costs = costs
        self.demand = Demand(costs, plan.commands_per_second)
        self.gateways = Station(self.env, plan.gateways)
        replicas = 1 + (REPLICAS - 1) * self.demand.followers() / self.demand.broker()
        self.broker = Station(self.env, max(1, round(plan.broker.nodes * SERVER_CORES / replicas)))
        self.services = {
            name: Service(self, name, plan.workers[name], plan.databases.shards[name]) for name in DATABASES
        }
        self.ages: list[tuple[float, float]] = []
        self._pace = pace
        self._random = random.Random(seed)
        self._asks = 0.0
        self._gateway = self._message = 0.0
        self._shares = commands()
        self._each = {name: sum(self.demand.of(name).values()) / self.demand.rate for name in DATABASES}
        self._owed = dict.fromkeys(DATABASES, 0.0)
        self.env.process(self._arrivals())
        if lost:
            self.env.process(self._loses(lost, lost_at))

    def run(self, seconds: float) -> None:
        self.env.run(until=seconds)

    def flushed(self, service: Service, lots: list[tuple[float, int]]) -> None:
        """What the commands among them cause is sent to the other services."""
        handled = sum(count for _, count in lots)
        among = handled * self._shares.get(service.name, 0.0) / self._each[service.name]
        for name, other in self.services.items():
            self._owed[name] += among * (self._each[name] - self._shares.get(name, 0.0))
            if (whole := int(self._owed[name])) > 0:
                self._owed[name] -= whole
                self.env.process(self._sent(other, lots[0][0], whole))

    def _sent(self, to: Service, born: float, count: int) -> Step:
        yield self.env.process(self.broker.work(count * self._message))
        to.put(born, count)

    def _arrivals(self) -> Step:
        names, weights = zip(*self._shares.items(), strict=True)
        while True:
            self._costs_at(self._pace(self.env.now))
            count = poisson(self._random, self._asks * TICK)
            for name in self._random.choices(names, weights, k=count):
                self.env.process(self._asked(self.services[name]))
            self.ages.append((self.env.now, max(service.age for service in self.services.values())))
            yield self.env.timeout(TICK)

    def _costs_at(self, rate: float) -> None:
        """What is no flush gets cheaper with the rate as it was measured to."""
        if rate != self._asks and rate:
            demand = Demand(self.costs, rate)
            self._message = demand.broker() / demand.messages
            self._gateway = demand.gateway(self.gateways.servers) / rate
        self._asks = rate

    def _asked(self, of: Service) -> Step:
        born = self.env.now
        yield self.env.process(self.gateways.work(self._gateway))
        yield self.env.process(self._sent(of, born, 1))

    def _loses(self, count: int, at: float) -> Step:
        yield self.env.timeout(at)
        for service in self.services.values():
            service.lose(count)


def poisson(rng: random.Random, mean: float) -> int:
    """How many arrive where `mean` are expected."""
    found, left = 0, rng.expovariate(1.0)
    while left < mean:
        found += 1
        left += rng.expovariate(1.0)
    return found
