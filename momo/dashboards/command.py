"""`momo dashboards`: writes Grafana's dashboards."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path

import click

from momo.made import into, write


@click.command()
@into("compose/grafana/dashboards")
def dashboards(folder: Path) -> None:
    """Write Grafana's dashboards, as the topology makes them."""
    from momo.dashboards.files import files

    write(folder, files())
