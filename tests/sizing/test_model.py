"""The sizing model: more commands never need less, nothing is planned too busy, and costs fall as flushes grow."""

from __future__ import annotations

from itertools import pairwise

import pytest

from contracts.topology import QUEUES
from momo.settings import DATABASES, Settings
from momo.sizing.costs import Costs, CostsError, Curve, load
from momo.sizing.demand import Demand
from momo.sizing.flushes import Flushes
from momo.sizing.mix import MIX, commands, handled
from momo.sizing.plan import CLUSTER_NODES, SERVER_CORES, SPARE, TARGET, least, plan
from momo.sizing.predicted import drain_rate, parts


@pytest.fixture(scope="module")
def costs() -> Costs:
    return load()


def test_the_shares_of_the_mix_are_all_commands() -> None:
    assert sum(act.share for act in MIX.values()) == pytest.approx(1)
    assert sum(commands().values()) == pytest.approx(1)


def test_every_queue_of_the_mix_is_of_the_topology() -> None:
    assert set(handled()) <= set(QUEUES)


def test_a_curve_goes_through_its_points_and_stays_beyond_them() -> None:
    curve = Curve(((100, 1_000), (10_000, 10)))
    assert [curve.at(rate) for rate in (1, 100, 1_000, 10_000, 10**6)] == pytest.approx([1_000, 1_000, 100, 10, 10])


def test_a_cost_of_nothing_is_a_point_too() -> None:
    assert Curve(((100, 8), (10_000, 0))).at(1_000) == pytest.approx(4)


def test_the_fewest_are_enough_and_one_less_is_not() -> None:
    assert least(lambda count: 10 + 0.1 * count, 1.0) == 12
    assert least(lambda _: 0.1, 1.0) == 1


@pytest.mark.parametrize("rate", [1, 1_000, 30_000, 1_000_000])
def test_nothing_is_planned_to_be_busier_than_the_target(costs: Costs, rate: int) -> None:
    found = plan(costs, rate)
    assert found.gateway_busy <= TARGET
    assert max(found.worker_busy.values()) <= TARGET
    assert found.redis_cores <= TARGET * found.redis_nodes
    for service in DATABASES:
        assert found.databases.cores[service] <= TARGET * SERVER_CORES * found.databases.shards[service]
    left = found.broker.nodes - SPARE * found.broker.clusters
    assert found.broker.cores <= TARGET * SERVER_CORES * left


def test_a_tenth_of_the_workers_would_not_do(costs: Costs) -> None:
    """The control: the plan is not merely large."""
    found = plan(costs, 100_000)
    demand = Demand(costs, 100_000)
    few = found.workers["notification"] // 10
    assert demand.workers("notification", few) > few


def test_more_commands_never_need_less(costs: Costs) -> None:
    plans = [plan(costs, 10**power) for power in range(1, 7)]
    for fewer, more in pairwise(plans):
        assert fewer.gateways <= more.gateways
        assert all(fewer.workers[name] <= more.workers[name] for name in DATABASES)
        assert all(fewer.databases.shards[name] <= more.databases.shards[name] for name in DATABASES)
        assert fewer.broker.nodes <= more.broker.nodes
        assert fewer.redis_nodes <= more.redis_nodes


def test_a_small_broker_has_an_odd_number_of_nodes_and_a_large_one_whole_clusters(costs: Costs) -> None:
    small, large = plan(costs, 10).broker, plan(costs, 1_000_000).broker
    assert (small.nodes, small.clusters) == (3, 1)
    assert large.nodes == CLUSTER_NODES * large.clusters > CLUSTER_NODES


def test_flushes_grow_with_the_load_of_a_process_and_never_beyond_the_batch(costs: Costs) -> None:
    queues = Demand(costs, 10_000).of("meeting")
    flushes = Flushes(costs, "meeting", queues)
    sizes = [flushes.size(processes) for processes in (1_000, 10, 2, 1)]
    assert sizes == sorted(sizes)
    assert sizes[0] == pytest.approx(1, abs=0.05)
    assert flushes.size(1, slow=10_000) == pytest.approx(Settings().batch)


def test_a_busy_machine_flushes_more_at_once_and_so_needs_less_for_each(costs: Costs) -> None:
    quiet, busy = Demand(costs, 2_000), Demand(costs, 2_000, slow=20)
    assert busy.workers("meeting", 1) < quiet.workers("meeting", 1)


def test_parts_of_one_machine_grow_with_the_rate_from_what_they_use_idle(costs: Costs) -> None:
    little, much = parts(costs, 0.1, 2), parts(costs, 100, 2)
    assert little["relay"] == much["relay"] == pytest.approx(costs["idle.relay_us"] / 1e6)
    assert all(much[name] > little[name] for name in little if name != "relay")


def test_the_drain_is_bound_by_the_worker_or_by_the_machine(costs: Costs) -> None:
    assert drain_rate(costs, 1_000) == pytest.approx(1e6 / costs["meeting.bulk.worker_us"])
    assert drain_rate(costs, 2) == pytest.approx(2 * drain_rate(costs, 1))


def test_costs_without_a_figure_are_told_by_its_name(costs: Costs) -> None:
    less = {name: value for name, value in costs.figures.items() if not name.startswith("push.")}
    with pytest.raises(CostsError, match="push"):
        plan(Costs(figures=less, machine="", day=""), 1_000)
