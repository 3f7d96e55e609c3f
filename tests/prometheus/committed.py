"""What is committed under compose/: rules and dashboards, read as data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

COMPOSE = Path(__file__).parents[2] / "compose"
PROMETHEUS = COMPOSE / "prometheus"
DASHBOARDS = COMPOSE / "grafana" / "dashboards"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

_SETS = re.compile(r"\b(?:and|or|unless)\b(?:\s+on\s*\([^)]*\))?")
_COMPARED = re.compile(r"\s([<>]=?|[=!]=)\s(?!bool)")


def rules() -> list[dict[str, Any]]:
    """Each recording and alert rule."""
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def operands(expr: str) -> list[str]:
    """What an alert compares, each a query that has an answer also while all is well: set operators are taken apart,
    comparisons give 0 or 1, and nothing looks back further than the test has run."""
    parts = [part.strip() for part in _SETS.split(expr)]
    return [
        _COMPARED.sub(r" \1 bool ", part.removeprefix("absent").replace(" offset 5m", "")) for part in parts if part
    ]


def panel_queries() -> Iterator[tuple[str, str]]:
    """Each panel's queries for each choice that its dashboard offers: where it stands, and PromQL."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text())
        variables = board["templating"]["list"]
        for option in variables[0]["options"] if variables else [{"text": "", "value": ""}]:
            for panel in board["panels"]:
                for target in panel.get("targets", []):
                    expr = target["expr"].replace("$__rate_interval", "10s").replace("$__range", "1m")
                    if variables:
                        name = variables[0]["name"]
                        expr = expr.replace(f"${{{name}:text}}", option["text"])
                        expr = expr.replace(f"${{{name}:raw}}", option["value"])
                        expr = expr.replace(f"${{{name}}}", option["value"])
                    yield f"{file.name} {option['text']} {panel['title']}", expr
