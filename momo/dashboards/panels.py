"""A panel: a question, the queries that answer it, and how Grafana draws the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

SOURCE = {"type": "prometheus", "uid": "momo-prometheus"}
"""The data source of compose/grafana/provisioning."""
QUEUE_LINK = "/d/momo-queue?var-queue=${__field.labels.queue}&${__url_time_range}"

Unit = Literal["s", "short", "ops", "reqps", "percentunit", "bytes", "currencyKRW"]


class Query(msgspec.Struct, frozen=True):
    """PromQL, and the legend of each series that it gives."""

    expr: str
    legend: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """`limits` are where yellow and red begin, in the panel's unit; `width` is in 24ths of the page."""

    kind: Literal["timeseries", "stat"]
    title: str
    says: str
    unit: Unit
    queries: tuple[Query, ...]
    limits: tuple[float, ...] = ()
    width: int
    height: int
    by_queue: bool = False


def figure(
    title: str, says: str, expr: str, *, unit: Unit = "short", limits: Sequence[float] = (), width: int = 4
) -> Panel:
    """One number as it is now."""
    return Panel(
        kind="stat",
        title=title,
        says=says,
        unit=unit,
        queries=(Query(expr),),
        limits=tuple(limits),
        width=width,
        height=4,
    )


def lines(
    title: str,
    says: str,
    *queries: Query,
    unit: Unit = "short",
    limits: Sequence[float] = (),
    width: int = 12,
) -> Panel:
    """How it went; a series that has a queue leads to that queue's dashboard."""
    return Panel(
        kind="timeseries",
        title=title,
        says=says,
        unit=unit,
        queries=queries,
        limits=tuple(limits),
        width=width,
        height=8,
        by_queue=any("{{queue}}" in query.legend for query in queries),
    )


def drawn(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    """The panel as Grafana reads it, with its number and place on the page."""
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "datasource": SOURCE,
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "exemplar": "_bucket" in query.expr,
                "instant": panel.kind == "stat",
                "range": panel.kind == "timeseries",
            }
            for position, query in enumerate(panel.queries)
        ],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"},
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def _field(panel: Panel) -> dict[str, Any]:
    colours = ["green", "yellow", "red"] if len(panel.limits) > 1 else ["green", "red"]
    steps = [{"color": colour, "value": at} for colour, at in zip(colours, [None, *panel.limits], strict=False)]
    field: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "stat":
        return field | {"color": {"mode": "thresholds" if panel.limits else "fixed", "fixedColor": "text"}}
    drawing = {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    if panel.limits:
        drawing |= {"thresholdsStyle": {"mode": "dashed"}}
    return field | {
        "custom": drawing,
        "links": [{"title": "This queue", "url": QUEUE_LINK}] if panel.by_queue else [],
    }
