"""The simulated cell does what the model says of it, and shows what the model can't: bursts and losses."""

from __future__ import annotations

import random

import pytest

from momo.sizing.costs import Costs, load
from momo.sizing.plan import Plan, plan
from tests.sizing.cell import Cell, poisson
from tests.sizing.simulate import LATE, burst, loss, modelled, steady

RATE = 300
WITHIN = 0.05


@pytest.fixture(scope="module")
def costs() -> Costs:
    return load()


@pytest.fixture(scope="module")
def planned(costs: Costs) -> Plan:
    return plan(costs, RATE)


def test_parts_are_as_busy_as_the_model_says(costs: Costs, planned: Plan) -> None:
    found, expected = steady(costs, planned, seconds=10.0), modelled(costs, planned)
    assert found.busy.keys() == expected.keys()
    for part, share in expected.items():
        assert found.busy[part] == pytest.approx(share, abs=WITHIN), part
    assert found.oldest < LATE


def test_a_burst_waits_for_no_longer_than_it_takes(costs: Costs, planned: Plan) -> None:
    found, usual = burst(costs, planned, seconds=4.0), steady(costs, planned, seconds=4.0)
    assert found.busy["gateways"] > usual.busy["gateways"]
    assert found.recovered < 4.0


def test_the_spare_processes_can_be_lost(costs: Costs, planned: Plan) -> None:
    assert loss(costs, planned, 1, seconds=8.0).oldest < LATE


def test_a_cell_with_too_few_of_everything_falls_behind(costs: Costs, planned: Plan) -> None:
    """The control: the simulation can tell."""
    cell = Cell(costs, planned, lambda _: 40 * RATE)
    cell.run(3.0)
    assert cell.ages[-1][1] > LATE


def test_as_many_arrive_as_are_expected() -> None:
    rng = random.Random(1)
    counts = [poisson(rng, 2.5) for _ in range(20_000)]
    mean = sum(counts) / len(counts)
    assert mean == pytest.approx(2.5, rel=0.02)
    assert sum((count - mean) ** 2 for count in counts) / len(counts) == pytest.approx(2.5, rel=0.05)
