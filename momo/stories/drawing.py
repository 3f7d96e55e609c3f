"""A story in the terminal: its tree, with a waterfall of when each hop waited and worked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from momo.stories.hops import Hop, Story

COLOURS = {
    "done": "green",
    "refused": "yellow",
    "failed": "red",
    "retrying": "magenta",
    "pending": "cyan",
    "waiting": "blue",
    "cancelled": "bright_black",
}
LEAST, MOST = 16, 60
"""Characters of a bar."""
BESIDE = 76
"""Of a line, what the other columns take."""


def draw(story: Story, console: Console | None = None) -> None:
    console = console or Console()
    end = max((until for hop in story.hops if (until := _until(hop, story.read_at))), default=story.began_at)
    took = _length((end - story.began_at) / timedelta(milliseconds=1))
    console.print(_plain(f"{story.correlation_id}: {story.state}, {_counted(story)}, {took}"))
    console.print(f"began {story.began_at:%Y-%m-%d %H:%M:%S}.{story.began_at.microsecond // 1000:03} UTC\n")
    width = max(LEAST, min(MOST, console.width - BESIDE))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("hop", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("waited", justify="right", no_wrap=True)
    table.add_column("worked", justify="right", no_wrap=True)
    table.add_column(Text(f"0{took:>{width - 1}}"), no_wrap=True)
    for place, hop in enumerate(story.hops):
        table.add_row(
            _plain(_branch(story, place) + hop.queue.removesuffix(".queue")),
            Text(hop.state if hop.attempt == 1 else f"{hop.state}, attempt {hop.attempt}", COLOURS[hop.state]),
            _length(hop.waiting_ms),
            _length(hop.working_ms),
            _bar(hop, story, end, width),
        )
    console.print(table)
    for hop in story.hops:
        for note in _notes(hop):
            console.print(_plain(f"{hop.queue.removesuffix('.queue')}: {note}"), style=COLOURS[hop.state])
    for name in story.away:
        console.print(_plain(f"{name} could not be read: what it knows is missing"), style="red")
    if story.cut:
        console.print("there are more hops than were read", style="red")


def _counted(story: Story) -> str:
    counts: dict[str, int] = {}
    for hop in story.hops:
        counts[hop.state] = counts.get(hop.state, 0) + 1
    open_ = ", ".join(f"{count} {state}" for state, count in counts.items() if state != "done")
    hops = "1 hop" if len(story.hops) == 1 else f"{len(story.hops)} hops"
    return f"{hops} ({open_})" if open_ else hops


def _branch(story: Story, place: int) -> str:
    """The lines of the tree before a hop."""
    hop = story.hops[place]
    if hop.parent is None:
        return ""
    drawn = "├ " if _has_later_sibling(story, place) else "└ "
    above = hop.parent
    while story.hops[above].parent is not None:
        drawn = ("│ " if _has_later_sibling(story, above) else "  ") + drawn
        above = story.hops[above].parent or 0
    return drawn


def _has_later_sibling(story: Story, place: int) -> bool:
    return any(other.parent == story.hops[place].parent for other in story.hops[place + 1 :])


def _bar(hop: Hop, story: Story, end: datetime, width: int) -> Text:
    """Where a hop waited (░) and worked (█) between the story's beginning and `end`."""
    cells = [" "] * width
    length = (end - story.began_at) / width or timedelta(microseconds=1)

    def fill(begin: datetime, until: datetime, mark: str) -> None:
        first = min(width - 1, max(0, int((begin - story.began_at) / length)))
        last = min(width, max(first + 1, round((until - story.began_at) / length)))
        cells[first:last] = mark * (last - first)

    waits_since = hop.published_at
    for attempt in hop.attempts:
        fill(attempt.taken_at - timedelta(milliseconds=attempt.waiting_ms), attempt.taken_at, "░")
        waits_since = attempt.ended_at
    if hop.state in ("pending", "retrying") and waits_since:
        fill(waits_since, story.read_at, "░")
    for attempt in hop.attempts:  # over what is waited, so that a short one is seen
        fill(attempt.taken_at, attempt.ended_at, "█")
    return Text("".join(cells), COLOURS[hop.state])


def _until(hop: Hop, now: datetime) -> datetime | None:
    """The last moment that is drawn of a hop."""
    if hop.state in ("pending", "retrying"):
        return now
    return hop.attempts[-1].ended_at if hop.attempts else None


def _notes(hop: Hop) -> Iterator[str]:
    for attempt in hop.attempts:
        if attempt.state == "failed" and attempt.error and attempt.error != hop.detail:
            yield f"attempt {attempt.attempt} failed: {attempt.error}"
    if hop.state == "waiting" and hop.due_at:
        yield f"the timer {hop.timer} is due at {hop.due_at:%Y-%m-%d %H:%M:%S} UTC"
    elif hop.detail or hop.where:
        yield ", ".join(text for text in (hop.detail, f"must be in {hop.where}" if hop.where else "") if text)
    for act in hop.acts:
        yield f"{act.act} by {act.operator} at {act.at:%Y-%m-%d %H:%M:%S} UTC{f': {act.reason}' if act.reason else ''}"


def _length(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds < 10_000:
        return f"{milliseconds:.1f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.2f} s"
    seconds = milliseconds / 1_000
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _plain(text: str) -> Text:
    """`text` as it is, with what would steer a terminal made visible: messages may be anybody's."""
    return Text("".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text))
