"""A dashboard: rows of panels under headings, and what can be chosen at its top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from momo.dashboards.panels import Panel, drawn

PAGE = 24
TAG = "momo"


class Row(msgspec.Struct, frozen=True):
    """A heading and what stands below it, from left to right and then on the next line."""

    title: str
    panels: tuple[Panel, ...]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A variable: in queries `${name}` is the chosen one's value, `${name:text}` what people read."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    """Text and value of each."""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """`uid` is also its file's name. The first option of each choice is chosen at first."""

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()


def document(board: Board) -> dict[str, Any]:
    """The dashboard as Grafana reads it. Numbers and places follow from the order alone."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.says,
        "tags": [TAG],
        "schemaVersion": 38,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [{"type": "dashboards", "title": "MOMO", "tags": [TAG], "keepTime": True, "asDropdown": False}],
        "templating": {"list": [_variable(choice) for choice in board.choices]},
        "panels": list(_placed(board.rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number = y = 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": y, "w": PAGE, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > PAGE:
                x, y, height = 0, y + height, 0
            number += 1
            yield drawn(panel, number, x, y)
            x, height = x + panel.width, max(height, panel.height)
        y += height


def _variable(choice: Choice) -> dict[str, Any]:
    options = [{"text": text, "value": value, "selected": i == 0} for i, (text, value) in enumerate(choice.options)]
    return {
        "type": "custom",
        "name": choice.name,
        "label": choice.label,
        "query": ",".join(f"{text} : {value}" for text, value in choice.options),
        "options": options,
        "current": options[0],
        "multi": False,
        "includeAll": False,
    }
