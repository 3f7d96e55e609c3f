"""Distributions say what the usual histogram would, and name a trace where the scraper can read it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.openmetrics import parser
from prometheus_client.registry import Collector

from momo.telemetry.distribution import Distribution
from momo.telemetry.exposition import Together, exposed

BOUNDS = (0.1, 1, 10)
OPENMETRICS = "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def families(text: bytes) -> list[Metric]:
    return list(parser.text_string_to_metric_families(text.decode()))  # type: ignore[no-untyped-call]


def samples(registry: Collector) -> set[str]:
    text, _ = exposed("", registry)
    return {line for line in text.decode().splitlines() if "_bucket" in line or "_count" in line}


@given(st.lists(st.floats(0, 100) | st.sampled_from(BOUNDS)), st.integers(0, 300))
def test_counts_what_a_histogram_of_the_library_counts(values: list[float], times: int) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = Distribution("momo_x_seconds", "X.", BOUNDS, ours)
    histogram = Histogram("momo_x_seconds", "X.", ["queue"], buckets=BOUNDS, registry=theirs).labels("q")
    distribution.of("q").observe_each(values)
    distribution.of("q").observe(0.5, times)
    for value in [*values, *[0.5] * times]:
        histogram.observe(value)
    assert samples(ours) == samples(theirs)


def test_a_trace_is_shown_in_the_bucket_of_its_time_to_who_asks_for_openmetrics() -> None:
    registry = CollectorRegistry()
    cells = Distribution("momo_x_seconds", "X.", BOUNDS, registry).of("q")
    cells.observe_each([0.5, 50])
    cells.exemplify(0.5, TRACE)
    text, content_type = exposed(OPENMETRICS, registry)
    [family] = families(text)
    shown = {s.labels["le"]: s.exemplar for s in family.samples if s.exemplar}
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert {le: exemplar.labels for le, exemplar in shown.items() if exemplar} == {"1.0": {"trace_id": TRACE}}
    plain, content_type = exposed("text/plain", registry)
    assert content_type.startswith("text/plain")
    assert TRACE.encode() not in plain
    assert generate_latest(registry) == plain


def test_registries_shown_together_are_one_text() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    Distribution("momo_x_seconds", "X.", BOUNDS, one).of("q").observe(1)
    Distribution("momo_y_seconds", "Y.", BOUNDS, other).of("q").observe(1)
    text, _ = exposed(OPENMETRICS, Together(one, other))
    assert [family.name for family in families(text)] == [
        "momo_x_seconds",
        "momo_y_seconds",
    ]
