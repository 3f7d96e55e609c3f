"""`momo queues …`: which queues are paused, and the switch."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from momo.dlq.terminal import BY, FOLDER, JSON, Failure, answer, loop, settings_of


@click.group(invoke_without_command=True)
@FOLDER
@JSON
@click.pass_context
def queues(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """Print which queues are paused, why, by whom and in which processes."""
    context.obj = folder
    if context.invoked_subcommand is None:
        from momo.dlq.switch import paused_queues
        from momo.dlq.tables import print_paused

        answer(loop(paused_queues(settings_of())), print_paused, as_json, name="paused")


@queues.command()
@click.argument("queue")
@BY
@JSON
def resume(queue: str, by: str, as_json: bool) -> None:
    """End the pause of QUEUE in every process."""
    _switch("resume", queue, by, "", as_json)


@queues.command()
@click.argument("queue")
@click.option("--reason", required=True, help="Why; it is kept in the audit.")
@BY
@JSON
def pause(queue: str, reason: str, by: str, as_json: bool) -> None:
    """Pause QUEUE in every process until it is resumed."""
    _switch("pause", queue, by, reason, as_json)


def _switch(act: Literal["pause", "resume"], name: str, by: str, reason: str, as_json: bool) -> None:
    from contracts.topology import queue_named
    from momo.dlq.switch import switch

    try:
        queue = queue_named(name)
    except KeyError as error:
        raise Failure(str(error.args[0])) from error
    heard = loop(switch(settings_of(), act, queue, by=by, reason=reason))
    answer(
        {"act": act, "queue": queue.name, "heard": heard},
        lambda _: click.echo(f"{act} {queue.name}: {heard} worker processes have heard of it"),
        as_json,
    )
