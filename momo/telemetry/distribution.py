"""Distributions: histograms by queue whose observations come many at a time, at a seventh of the usual price."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from prometheus_client.core import Exemplar, HistogramMetricFamily
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class Cells:
    """What was observed of one queue. It is written and read in the thread of the event loop, and needs no lock."""

    __slots__ = ("_bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: dict[int, Exemplar] = {}

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self._bounds, value)] += times
        self.sum += value * times

    def observe_each(self, values: Sequence[float]) -> None:
        bounds, counts = self._bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.sum += sum(values)

    def exemplify(self, value: float, trace_id: str) -> None:
        """`trace_id` is an example of what took `value`."""
        self.exemplars[bisect_left(self._bounds, value)] = Exemplar({"trace_id": trace_id}, value, time.time())


class Distribution(Collector):
    """A histogram with the one label `queue`; `bounds` are its buckets' upper bounds, in the metric's unit."""

    def __init__(
        self, name: str, documentation: str, bounds: Iterable[float], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(bounds)
        self._queues: dict[str, Cells] = {}
        registry.register(self)

    def of(self, queue: str) -> Cells:
        """Where `queue` is observed; who observes often keeps it."""
        if (cells := self._queues.get(queue)) is None:
            cells = self._queues[queue] = Cells(self._bounds)
        return cells

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=["queue"])
        for queue, cells in self._queues.items():
            total = 0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for position, bound in enumerate((*self._bounds, inf)):
                total += cells.counts[position]
                name = "+Inf" if bound == inf else str(float(bound))
                exemplar = cells.exemplars.get(position)
                buckets.append((name, total, exemplar) if exemplar else (name, total))
            family.add_metric([queue], buckets, cells.sum)
        yield family
