"""How `momo bench` counts: percentiles, rates without start-up, medians, ratios, and what it is asked for."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from momo.bench.drained import rate_of
from momo.bench.ratios import ratios
from momo.bench.run import CASES, Report, chosen, summary
from momo.bench.table import show
from momo.bench.timing import percentiles


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([n / 1000 for n in range(1_000)], wide=True) == {
        "p50_ms": 500.0,
        "p99_ms": 990.0,
        "p999_ms": 999.0,
    }


def test_rate_leaves_out_a_slow_start_and_a_slow_end() -> None:
    slow_start = [(0.0, 100)]
    steady = [(10 + n * 0.1, 100) for n in range(8)]
    slow_end = [(20.0, 100)]
    assert rate_of([*slow_start, *steady, *slow_end], 1_000, ended=30.0) == pytest.approx(1_000)


def test_rate_of_few_flushes_is_over_all() -> None:
    assert rate_of([(10.0, 100), (11.0, 100)], 200, ended=12.0) == 100


def test_summary_gives_the_median_and_the_range_where_rounds_differ() -> None:
    assert summary([{"rate": 1, "flush": 4}, {"rate": 3, "flush": 4}, {"rate": 2, "flush": 4}]) == {
        "rate": 2,
        "rate_min": 1,
        "rate_max": 3,
        "flush": 4,
    }


def test_the_best_peer_is_no_handwritten_consumer() -> None:
    found = ratios({"drain": {"rate": 6_000, "two_rate": 9_000}, "peers": {"dramatiq": 1_000, "handwritten": 8_000}})
    assert found == {"drain_vs_best_peer": 6.0, "drain_vs_limit": 0.75, "two_workers": 1.5}


def test_cases_are_chosen_by_name_in_their_order() -> None:
    assert chosen("spread, drain") == ["drain", "spread"]
    assert chosen("http") == ["http.idle", "http", "http.raw"]
    assert chosen("http.raw") == ["http.raw"]
    assert chosen("all") == list(CASES)
    with pytest.raises(ValueError, match="no case 'drane'; there are: all, drain"):
        chosen("drane")


def test_the_table_shows_ratios_beside_their_targets() -> None:
    text = io.StringIO()
    report = Report(cases={"drain": {"rate": 6_000, "rate_min": 5_000, "rate_max": 7_000}}, ratios={"two_workers": 1.5})
    show(report, Console(file=text, width=100))
    assert "6,000" in text.getvalue()
    assert "rate_min" not in text.getvalue()
    assert "1.6" in text.getvalue()
