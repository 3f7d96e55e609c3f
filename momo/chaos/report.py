"""What a run of the rig reports: figures, and every difference as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from momo.chaos.book import Difference

MOST = 40
"""Differences that are told one by one."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`books_differ_by` in KRW. `recovery_s`: how long it took at most from the end of each kind of fault until every
    process was ready and every queue consumed again. `back_s`: how long it took at most from the beginning of each kind
    until all that it had left in reach was; known where hosts break. `longest_command_s`: how long a client had to
    repeat and ask until it knew how its command had ended."""

    commands: int
    faults: dict[str, int]
    lost: int
    doubled: int
    stuck: int
    order_breaks: int
    oversold: int
    books_differ_by: int
    longest_recovery_s: float
    recovery_s: dict[str, float]
    back_s: dict[str, float]
    longest_command_s: float
    repeated_requests: int
    poison: int
    meetings: int
    notices: int
    taken: int
    returned: int
    seconds: float
    drain_s: float
    seed: int
    differences: list[str]

    @property
    def ok(self) -> bool:
        return not any((self.lost, self.doubled, self.stuck, self.order_breaks, self.oversold, self.books_differ_by))


def figures(differences: Sequence[Difference]) -> dict[str, int]:
    """How much of each kind."""
    kinds = ("lost", "doubled", "stuck", "order_breaks", "oversold", "books_differ_by")
    return {kind: sum(found.amount for found in differences if found.kind == kind) for kind in kinds}


def sentences(differences: Sequence[Difference]) -> list[str]:
    """The first of them, of each kind in turn those that come first."""
    told = [f"{found.kind}: {found.text}" for found in differences]
    return [*told[:MOST], *([f"and {len(told) - MOST} more"] if len(told) > MOST else [])]


def show(report: Report) -> None:
    struck = ", ".join(f"{kind} {count}" for kind, count in sorted(report.faults.items()))
    click.echo(f"{report.commands} commands in {report.seconds:.0f} s, seed {report.seed}")
    click.echo(f"{sum(report.faults.values())} faults: {struck}")
    click.echo(
        f"lost {report.lost}, doubled {report.doubled}, stuck {report.stuck}, order breaks {report.order_breaks},"
        f" oversold {report.oversold}, books differ by {report.books_differ_by} KRW"
    )
    click.echo(
        f"longest recovery {report.longest_recovery_s:.1f} s; drained in {report.drain_s:.1f} s;"
        f" {report.repeated_requests} requests sent again; {report.poison} poisonous messages planted;"
        f" no command took longer than {report.longest_command_s:.1f} s"
    )
    if report.back_s:
        back = ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in sorted(report.back_s.items()))
        click.echo(f"from the beginning of a fault until all in reach worked: {back}")
    for line in report.differences:
        click.echo(line)
