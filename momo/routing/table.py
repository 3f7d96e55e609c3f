"""The table of rules for people, and as data."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from momo.routing.rules import KEPT, RULES
from momo.routing.upstreams import Upstreams


def as_data(upstreams: Upstreams) -> dict[str, Any]:
    """`rules` with the addresses behind each, and `kept`: what no balancer passes on."""
    rules = [
        {
            "path": rule.path,
            "target": rule.target,
            "services": rule.services,
            "upstreams": [address for service in rule.services for address in upstreams[service]],
        }
        for rule in RULES
    ]
    return {"rules": rules, "kept": [{"path": path, "reason": reason} for path, reason in KEPT.items()]}


def show(upstreams: Upstreams) -> None:
    """Prints a line for each path, below it or not."""
    table = Table("path", "target", "gateways", box=None, pad_edge=False)
    for rule in RULES:
        addresses = (address for service in rule.services for address in upstreams[service])
        table.add_row(f"{rule.path}[/*]".replace("[", r"\["), rule.target, ", ".join(addresses))
    for path, reason in KEPT.items():
        table.add_row(f"{path}[/*]".replace("[", r"\["), "not passed on", reason, style="dim")
    Console().print(table)
