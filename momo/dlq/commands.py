"""`momo dlq …`: the dead-letter desk on the command line."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from momo.dlq.terminal import BY, FOLDER, JSON, Failure, answer, loop, settings_of

if TYPE_CHECKING:
    from momo.dlq.choice import Choice
    from momo.dlq.desk import Desk

_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/s)?")


def _span(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    from momo.dlq.choice import span

    try:
        return span(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _rate(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    match = _RATE.fullmatch(value)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{value!r} is no rate: write 5/s or 0.5/s")
    return float(match[1])


QUEUE = click.option("--queue", help="A queue, or its dead-letter queue.")


def _chosen(command: Callable[..., None]) -> Callable[..., None]:
    """The options that choose letters."""
    for option in (
        click.option("--newer-than", callback=_span, metavar="SPAN", help="Died less than e.g. 15m ago."),
        click.option("--older-than", callback=_span, metavar="SPAN", help="Died more than e.g. 2h ago."),
        click.option("--type", help="Of this message type, such as payment.completed."),
        click.option("--fingerprint", help="Died of this, as `momo dlq list` names it."),
        QUEUE,
        click.argument("id", required=False),
    ):
        command = option(command)
    return command


@click.group()
@FOLDER
@click.pass_context
def dlq(context: click.Context, folder: Path | None) -> None:
    """Dead letters: list, show, edit, replay, drop; every act is audited."""
    context.obj = folder


@dlq.command("list")
@QUEUE
@JSON
def list_(queue: str | None, as_json: bool) -> None:
    """Group what has died by queue and by what it died of."""
    from momo.dlq.tables import print_listing

    answer(loop(_desk().list(queue)), print_listing, as_json)


@dlq.command()
@click.argument("id", required=False)
@QUEUE
@JSON
def show(id: str | None, queue: str | None, as_json: bool) -> None:  # noqa: A002 - the argument's name in the usage
    """Print a letter, or those of a queue: body, headers, error, origin, attempts."""
    from momo.dlq.tables import print_letters

    if id is None and queue is None:
        raise Failure("say which: an ID, or --queue")
    answer(list(loop(_desk().show(_choice(id=id, queue=queue)))), print_letters, as_json, name="letters")


@dlq.command()
@click.argument("id")
@QUEUE
@click.option("--body", type=click.File("rb"), help="The new body; without it $EDITOR is opened on the present one.")
@BY
@JSON
def edit(id: str, queue: str | None, body: BinaryIO | None, by: str, as_json: bool) -> None:  # noqa: A002
    """Give a letter another body; it stays where it is, under its id."""
    from momo.dlq.tables import print_result

    choice = _choice(id=id, queue=queue)
    desk = _desk(by)
    answer(loop(desk.edit(choice, body.read() if body else _written(desk, choice))), print_result, as_json)


@dlq.command()
@_chosen
@click.option("--rate", callback=_rate, metavar="N/s", help="At most so many a second.")
@click.option("--dry-run", is_flag=True, help="Only say what would be replayed.")
@BY
@JSON
def replay(rate: float | None, dry_run: bool, by: str, as_json: bool, **chosen: Any) -> None:
    """Send letters back to the queue that each died in, as if for the first time."""
    from momo.dlq.tables import print_result

    answer(loop(_desk(by).replay(_choice(**chosen), rate=rate, dry_run=dry_run)), print_result, as_json)


@dlq.command()
@_chosen
@click.option("--reason", required=True, help="Why; it is kept in the audit.")
@BY
@JSON
def drop(reason: str, by: str, as_json: bool, **chosen: Any) -> None:
    """Take letters away for good."""
    from momo.dlq.tables import print_result

    answer(loop(_desk(by).drop(_choice(**chosen), reason)), print_result, as_json)


@dlq.command()
@QUEUE
@JSON
def audit(queue: str | None, as_json: bool) -> None:
    """Print who did what, newest first."""
    from contracts.topology import QUEUES
    from momo.dlq.acts import audit as read
    from momo.dlq.errors import told
    from momo.dlq.tables import print_acts

    settings = settings_of()

    async def acts() -> Any:
        async with told():
            [named] = _choice(queue=queue).queues(QUEUES) if queue else [None]
            return await read(settings, named)

    answer(loop(acts()), print_acts, as_json, name="acts")


def _desk(by: str = "") -> Desk:
    from momo.dlq.desk import Desk

    return Desk(settings_of(), by=by)


def _choice(**chosen: Any) -> Choice:
    from momo.dlq.choice import Choice

    return Choice(**chosen)


def _written(desk: Desk, choice: Choice) -> bytes:
    """What an editor makes of the letter's body."""
    import msgspec

    letter, *_ = loop(desk.show(choice))
    body = letter.body
    text = body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body)).decode()
    written = click.edit(text, extension=".json", require_save=True)
    if written is None:
        raise Failure("the body was not changed")
    return written.encode()
