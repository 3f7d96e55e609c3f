"""How many messages a lane takes at once: as many as come while the flush before takes its time."""

from __future__ import annotations

import math

from contracts.topology import Queue
from momo.settings import Settings
from momo.sizing.costs import Costs, Curve, way_of

POINTS = ("100", "400", "1600", "bulk")
MICROSECONDS = 1e6
ENOUGH = 60
"""Steps towards a size that stays."""


class Flushes:
    """A service's lanes, with its `queues` and their rates. A flush of n messages takes the worker's and the database's
    time for them, and a wait for the disk that does not depend on n."""

    def __init__(self, costs: Costs, service: str, queues: dict[Queue, float]) -> None:
        self._costs = costs
        self._service = service
        self._queues = queues
        self._total = sum(queues.values())
        self.worker = self.of("worker_us")
        self.database = self.of("mariadb_us")
        alone = costs[f"{service}.100.flush_us"] - costs[f"{service}.100.mariadb_us"]
        self.wait = max(0.0, alone)

    def of(self, figure: str) -> Curve:
        """A figure of one message by the size of the flush it is in. What is no decision is in no flush, but as often:
        its figure is that at the same rate."""
        points: dict[float, float] = {}
        for point in POINTS:
            rate = self._costs[f"{self._service}.{point}.rate"]
            points[self._costs[f"{self._service}.{point}.flush"]] = sum(
                share / self._total * self._costs.curve(way_of(queue), figure).at(rate)
                for queue, share in self._queues.items()
            )
        return Curve(tuple(sorted(points.items())))

    def seconds(self, size: float) -> float:
        """What a flush of `size` takes."""
        return (self.wait + size * (self.worker.at(size) + self.database.at(size))) / MICROSECONDS

    def size(self, processes: int, slow: float = 1.0) -> float:
        """Messages a flush where `processes` share the queues and everything takes `slow` times as long as alone.

        While a flush takes its time, Poisson many come; where none has, the next to come goes alone.
        """
        settings = Settings()
        each = self._total / processes / settings.lanes
        size = 1.0
        for _ in range(ENOUGH):
            coming = min(each * self.seconds(size) * slow, settings.batch)
            size = (size + min(coming + math.exp(-coming), settings.batch)) / 2
        return size
