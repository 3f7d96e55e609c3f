"""`python -m tests.sizing.simulate`: the smallest plan of the table as a simulated cell: steady, bursting, and short of
processes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from momo.settings import DATABASES
from momo.sizing.costs import Costs, load
from momo.sizing.plan import Plan, plan
from momo.sizing.table import markdown
from tests.sizing.cell import Cell

RATE = 1_000
"""Commands/s. Larger plans are more of the same, by key: a cell of theirs does not know of the others."""
BURST = 3
BURST_SECONDS = 60.0
LEAD = 5.0
"""Seconds before a burst or a loss; what came before the first second is not looked at."""
LATE = 0.25
"""Seconds from which on a message counts as waiting long."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario showed: shares of the time that parts were busy, by part; the age of the oldest waiting message
    at most, in seconds; how long after the burst or loss had ended it was below `LATE` again for good."""

    busy: dict[str, float]
    oldest: float
    recovered: float


def steady(costs: Costs, found: Plan, seconds: float = 20.0) -> Found:
    """The planned rate, by chance."""
    return _run(Cell(costs, found, lambda _: found.commands_per_second), seconds, LEAD)


def burst(costs: Costs, found: Plan, seconds: float = BURST_SECONDS) -> Found:
    """`BURST` times the rate for `seconds`."""
    pace = _burst(found.commands_per_second, seconds)
    return _run(Cell(costs, found, pace), LEAD + 2 * seconds, LEAD + seconds)


def loss(costs: Costs, found: Plan, lost: int, seconds: float = 20.0) -> Found:
    """Each service loses `lost` of its workers."""
    cell = Cell(costs, found, lambda _: found.commands_per_second, lost=lost, lost_at=LEAD)
    return _run(cell, seconds, LEAD)


def _burst(rate: float, seconds: float) -> Callable[[float], float]:
    return lambda now: rate * (BURST if LEAD <= now < LEAD + seconds else 1)


def _run(cell: Cell, seconds: float, ended: float) -> Found:
    cell.run(seconds)
    busy = {"gateways": cell.gateways.busy / cell.gateways.servers}
    for name in DATABASES:
        service = cell.services[name]
        busy[f"{name} workers"] = sum(process.busy for process in service.processes[: service.alive]) / service.alive
        busy[f"{name} database"] = service.database.busy / service.database.servers
    busy["rabbitmq"] = cell.broker.busy / cell.broker.servers
    late = [now for now, age in cell.ages if age > LATE and now > 1]
    return Found(
        busy={name: value / seconds for name, value in busy.items()},
        oldest=max((age for now, age in cell.ages if now > 1), default=0.0),
        recovered=max(0.0, late[-1] - ended) if late else 0.0,
    )


def table(costs: Costs) -> str:
    """The scenarios, as Markdown."""
    planned = plan(costs, RATE)
    scenarios = {
        "as planned": steady(costs, planned),
        f"{BURST} times for {BURST_SECONDS:.0f} s": burst(costs, planned),
        "a worker of each lost": loss(costs, planned, 1),
    }
    rows = [["", "model", *scenarios]]
    rows += [
        [part, f"{expected:.0%}", *(f"{found.busy[part]:.0%}" for found in scenarios.values())]
        for part, expected in modelled(costs, planned).items()
    ]
    rows.append(["oldest message waits at most, s", "", *(f"{found.oldest:.2f}" for found in scenarios.values())])
    rows.append([f"again below {LATE} s after, s", "", *(f"{found.recovered:.1f}" for found in scenarios.values())])
    return markdown(rows)


def modelled(costs: Costs, planned: Plan) -> dict[str, float]:
    """How busy the model says that each part is, spares taken into service."""
    cell = Cell(costs, planned, lambda _: 0.0)
    demand = cell.demand
    found = {"gateways": demand.gateway(planned.gateways) / planned.gateways}
    for name in DATABASES:
        workers = planned.workers[name]
        found[f"{name} workers"] = demand.workers(name, workers) / workers
        database = cell.services[name].database
        found[f"{name} database"] = demand.database(name, workers, planned.databases.shards[name]) / database.servers
    return {**found, "rabbitmq": demand.broker() / cell.broker.servers}


if __name__ == "__main__":
    print(table(load()))  # noqa: T201
