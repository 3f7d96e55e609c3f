"""Questions that several dashboards ask, as PromQL over the queues that `which` matches (a label matcher)."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.topology import Queue
from momo.dashboards.panels import Query

LAGS, STUCK = 10, 120
"""Seconds from which a queue is told of as lagging, and as stuck, in compose/prometheus/rules/queues.yml."""


def any_of(queues: Sequence[Queue]) -> str:
    """A pattern for these queues; dots match themselves, and nothing else is called so."""
    return "|".join(queue.name for queue in queues)


def age(which: str) -> Query:
    return Query(f"queue_kind:momo_queue_oldest_age_seconds:max{{{which}}}", "{{queue}}")


def depth(which: str) -> Query:
    return Query(f"queue_kind:momo_queue_messages:max{{{which}}}", "{{queue}}")


def handled(which: str) -> Query:
    return Query(f"sum by (queue) (rate(momo_messages_total{{{which}}}[$__rate_interval]))", "{{queue}}")


def outcomes(which: str) -> Query:
    return Query(f"sum by (outcome) (rate(momo_messages_total{{{which}}}[$__rate_interval]))", "{{outcome}}")


def quantile(share: float, histogram: str, which: str, by: str = "") -> str:
    """The seconds within which so large a `share` was done, for each `by` or for all together."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{{{which}}}[$__rate_interval])))"


def quantiles(histogram: str, which: str) -> tuple[Query, ...]:
    return tuple(
        Query(quantile(share, histogram, which), legend)
        for share, legend in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
    )


def or_none(expr: str) -> str:
    """`expr`, or 0 where there has been nothing to count."""
    return f"{expr} or vector(0)"
