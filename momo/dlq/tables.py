"""What the desk found and did, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from momo.dlq.acts import Act
from momo.dlq.course import Result
from momo.dlq.views import Listing, Shown
from momo.pauses import Paused


def print_listing(listing: Listing, console: Console | None = None) -> None:
    console = console or Console()
    rows = [
        (
            str(group.count),
            "\n".join(
                (
                    f"{group.queue}  {group.reason}  {group.fingerprint}",
                    group.error,
                    f"{_when(group.oldest)} to {_when(group.newest)}, such as",
                    group.example,
                )
            ),
        )
        for group in listing.groups
    ]
    _table(console, "no dead letters", ("count", "queue, reason, fingerprint"), rows)
    for hold in listing.holds:
        console.print(
            _plain(f"{hold.queue}: {hold.behind} of {hold.actor} since {_when(hold.since)} held back by {hold.id}")
        )
    for name in listing.cut:
        console.print(_plain(f"{name} holds more letters than were looked at"))
    for name in listing.busy:
        console.print(_plain(f"{name} is in the hands of another desk"))


def print_letters(letters: Sequence[Shown], console: Console | None = None) -> None:
    console = console or Console()
    for letter in letters:
        table = Table("", "", show_header=False)
        for name, value in msgspec.to_builtins(letter).items():
            if name == "body":
                text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()
            elif name == "headers":
                text = "\n".join(f"{key}: {said}" for key, said in value.items())
            else:
                text = "" if value is None else str(value)
            table.add_row(name, _plain(text))
        console.print(table)


def print_result(result: Result, console: Console | None = None) -> None:
    console = console or Console()
    for queue, count in result.queues.items():
        console.print(_plain(f"{'would ' if result.dry_run else ''}{result.act} {count} of {queue}"))
    if result.held:
        console.print(_plain(f"{result.held} stay held back: a letter before them was not replayed, or not decided"))
    elif not result.letters:
        console.print("no letter is such")


def print_acts(acts: Iterable[Act], console: Console | None = None) -> None:
    rows = [
        (
            f"{_when(act.begun_at)}\n{act.operator}",
            "\n".join(
                line
                for line in (f"{act.act} {act.queue}", act.message_id, act.reason, f"{act.state}: {act.result}")
                if line
            ),
        )
        for act in acts
    ]
    _table(console or Console(), "nothing was done yet", ("when, who", "act, message, reason, result"), rows)


def print_paused(queues: Iterable[Paused], console: Console | None = None) -> None:
    rows = [(one.queue, _when(one.since), one.by, one.reason, "\n".join(one.processes)) for one in queues]
    _table(console or Console(), "no queue is paused", ("queue", "since", "by", "reason", "processes"), rows)


def _table(console: Console, nothing: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        console.print(nothing)
        return
    table = Table(show_lines=True)
    for head in heads:
        table.add_column(head, overflow="fold")  # nothing is cut off: ids are to be copied
    for row in rows:
        table.add_row(*map(_plain, row))
    console.print(table)


def _plain(text: str) -> Text:
    """`text` as it is, with what would steer a terminal made visible: letters may be anybody's."""
    return Text("".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text))


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
