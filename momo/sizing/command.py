"""`momo size`: how many of each part for so many commands a second."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path

import click

from momo.dlq.terminal import JSON, Failure

RATES = (1_000, 10_000, 100_000, 1_000_000)


@click.command()
@click.option(
    "--commands-per-second",
    "rates",
    type=click.IntRange(1, 100_000_000),
    multiple=True,
    default=RATES,
    show_default=True,
    help="How many the gateways accept; several give a column each.",
)
@click.option(
    "--costs",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What `momo bench --cases cost --json` printed; those of MOMO's own measurement unless given.",
)
@JSON
def size(rates: tuple[int, ...], file: Path | None, as_json: bool) -> None:
    """Say how many gateways, workers, brokers and shards it takes, from what one message was measured to cost."""
    import msgspec

    from momo.sizing.costs import CostsError, load
    from momo.sizing.plan import plan
    from momo.sizing.table import table

    try:
        costs = load(file)
        plans = [plan(costs, rate) for rate in rates]
    except CostsError as error:
        raise Failure(str(error)) from error
    if as_json:
        click.echo(msgspec.json.encode({"machine": costs.machine, "day": costs.day, "plans": plans}))
    else:
        click.echo(table(plans))
