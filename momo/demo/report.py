"""What the demo found: for programs as one JSON object, for people as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

SHOWN = 50
"""Differences printed for people; the JSON has all."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from sending a command to its final answer, by nearest rank."""

    p50: float
    p99: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`commands` counts what was accepted, `repeated` those sent twice with one key; `seconds` is the day until
    nothing moved any more. `taken` and `returned` are KRW by the sandbox's ledger; `latency_ms` spans all commands."""

    ok: bool
    differences: list[str]
    commands: int
    seconds: float
    latency_ms: Latency
    commands_per_second: float
    latency_ms_by_command: dict[str, Latency]
    repeated: int
    members: int
    meetings: int
    notices: int
    resumed: int
    taken: int
    returned: int
    seed: int


def latency(seconds: Sequence[float]) -> Latency:
    """Zero where nothing was measured."""
    ranked = sorted(seconds) or [0.0]
    p50, p99 = (round(ranked[math.ceil(share * len(ranked)) - 1] * 1000, 1) for share in (0.50, 0.99))
    return Latency(p50=p50, p99=p99)


def print_summary(report: Report, console: Console | None = None) -> None:
    """The day as a table, and what differs below it."""
    console = console or Console()
    table = Table("", "", show_header=False, title="A day of MOMO")
    table.add_row("members, meetings", f"{report.members:,}, {report.meetings:,}")
    table.add_row(
        "commands", f"{report.commands:,} in {report.seconds:.1f} s: {report.commands_per_second:,.0f} a second"
    )
    table.add_row("sent twice with one key", f"{report.repeated:,}")
    table.add_row("notices heard", f"{report.notices:,}, over {report.resumed:,} resumed WebSockets")
    table.add_row("KRW taken, returned", f"{report.taken:,}, {report.returned:,}")
    for what, spent in {"all": report.latency_ms, **report.latency_ms_by_command}.items():
        table.add_row(f"latency, {what}", f"p50 {spent.p50:,.0f} ms, p99 {spent.p99:,.0f} ms")
    table.add_row("audit", "[green]no difference[/]" if report.ok else f"[red]{len(report.differences)} differences[/]")
    console.print(table)
    for difference in report.differences[:SHOWN]:
        console.print(f"- {difference}", markup=False, highlight=False)
    if len(report.differences) > SHOWN:
        console.print(f"and {len(report.differences) - SHOWN} more")
