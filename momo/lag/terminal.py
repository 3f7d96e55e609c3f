"""A snapshot as a table for people: what is not empty, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from momo.lag.snapshot import Snapshot

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))

Line = tuple[float, int, tuple[str, ...]]
"""Age in seconds, how many, and the cells."""


def shown(snapshot: Snapshot, *, everything: bool) -> RenderableType:
    """What waits, or with `everything` also what is empty, and below it what could not be asked."""
    lines = sorted(_lines(snapshot), key=lambda line: (-line[0], -line[1], line[2]))
    table = Table(
        "what",
        "where",
        *(Column(head, justify="right") for head in ("waiting", "oldest", "consumers", "in/s", "out/s")),
    )
    for _, count, cells in lines:
        if count or everything:
            table.add_row(*cells)
    parts: list[RenderableType] = [
        table if table.row_count else "nothing waits" + (" in what could be asked" if snapshot.unknown else "")
    ]
    if snapshot.unknown:
        parts.append(Text(f"not known now: {', '.join(snapshot.unknown)}", style="bold"))
    return Group(*parts)


def human(seconds: float) -> str:
    """An age in its two largest units: 4.2 s, 3 min 20 s, 5 h 1 min, 2 d 3 h."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{int(seconds)} s"
    for position, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            smaller, name = (*_UNITS[position + 1 :], (1, "s"))[0]
            return f"{int(seconds // size)} {unit} {int(seconds % size // smaller)} {name}"
    raise AssertionError("there is a unit for more than a minute")


def _lines(now: Snapshot) -> Iterator[Line]:
    for queue in now.queues:
        rates = (f"{queue.published_rate:.1f}", f"{queue.handled_rate:.1f}")
        consumers = str(queue.consumers) if queue.kind == "work" else ""
        yield _line(f"{queue.kind} queue", queue.name, queue.messages, queue.oldest_age_s, consumers, *rates)
    for outbox in now.outboxes:
        yield _line("outbox", outbox.service, outbox.entries, outbox.oldest_age_s)
    for timed in now.timers:
        yield _line("timers due", timed.service, timed.overdue, timed.overdue_s)
        yield 0.0, timed.timers - timed.overdue, ("timers set", timed.service, str(timed.timers - timed.overdue))
    for saga in now.sagas:
        yield _line(f"{saga.saga} saga", saga.state, saga.count, saga.oldest_age_s)


def _line(what: str, where: str, count: int, age: float, *more: str) -> Line:
    return age, count, (what, where, str(count), human(age) if count else "", *more)
