"""`momo lag`: what waits, how much of it, and for how long."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

import asyncio
from pathlib import Path

import click

from momo.dlq.terminal import FOLDER, JSON, loop, settings_of
from momo.settings import Settings

EVERY_SECONDS = 1.0


@click.command()
@FOLDER
@click.option("--watch", is_flag=True, help="Look again each second, until Ctrl-C.")
@click.option("--all", "everything", is_flag=True, help="Print what is empty too.")
@JSON
@click.pass_context
def lag(context: click.Context, folder: Path | None, watch: bool, everything: bool, as_json: bool) -> None:
    """Print what waits in queues, outboxes, timers and sagas, the oldest first."""
    context.obj = folder
    settings = settings_of()
    try:
        loop(_watch(settings, everything, as_json) if watch else _once(settings, everything, as_json))
    except KeyboardInterrupt:
        return


async def _once(settings: Settings, everything: bool, as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from momo.lag.observer import Observer
    from momo.lag.terminal import shown

    async with Observer(settings) as observer:
        await observer.look()
        await asyncio.sleep(EVERY_SECONDS)  # rates are told from two looks
        snapshot = await observer.look()
    if as_json:
        click.echo(msgspec.json.encode(snapshot))
    else:
        Console().print(shown(snapshot, everything=everything))


async def _watch(settings: Settings, everything: bool, as_json: bool) -> None:
    """A table that is refreshed, or a line of JSON for each look."""
    import msgspec
    from rich.live import Live

    from momo.lag.observer import Observer
    from momo.lag.terminal import shown

    async with Observer(settings) as observer:
        if as_json:
            while True:
                click.echo(msgspec.json.encode(await observer.look()))
                await asyncio.sleep(EVERY_SECONDS)
        with Live(auto_refresh=False) as live:
            while True:
                live.update(shown(await observer.look(), everything=everything), refresh=True)
                await asyncio.sleep(EVERY_SECONDS)
