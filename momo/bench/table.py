"""The report as a table for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from momo.bench.ground import Figures
from momo.bench.ratios import TARGETS
from momo.bench.run import Report


def show(report: Report, console: Console | None = None) -> None:
    """Prints each case's figures, then the ratios with what they should be."""
    console = console or Console()
    table = Table("case", "figure", title="momo bench", title_justify="left")
    for heading in ("median", "min", "max"):
        table.add_column(heading, justify="right")
    for case, figures in report.cases.items():
        for name in _names(figures):
            table.add_row(case, name, *_values(figures, name))
        table.add_section()
    console.print(table)
    if report.ratios:
        table = Table("ratio", title="ratios", title_justify="left")
        for heading in ("median", "min", "max", "at least"):
            table.add_column(heading, justify="right")
        for name in _names(report.ratios):
            table.add_row(name, *_values(report.ratios, name), f"{TARGETS[name]:g}")
        console.print(table)


def _names(figures: Figures) -> list[str]:
    return [name for name in figures if not (name.endswith(("_min", "_max")) and name[:-4] in figures)]


def _values(figures: Figures, name: str) -> list[str]:
    return [f"{figures[key]:,.10g}" if key in figures else "" for key in (name, f"{name}_min", f"{name}_max")]
