"""The measured costs, as `momo bench --cases cost --json` prints them."""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path

import msgspec

from contracts.topology import Queue

CASE = "cost"
KEPT = "costs.json"


class CostsError(Exception):
    """A file has not what the case measures; the text says what is missing."""


class Printed(msgspec.Struct, frozen=True):
    """What is read of a report of `momo bench`."""

    cases: dict[str, dict[str, float]]
    machine: str = ""
    day: str = ""


class Curve(msgspec.Struct, frozen=True):
    """A cost by rate: (messages/s, cost of one), the rates rising. Cost falls with the rate, for more is done at
    once."""

    points: tuple[tuple[float, float], ...]

    def at(self, rate: float) -> float:
        """Straight between points where both axes are logarithms; beyond them as at the last."""
        before, least = self.points[0]
        if rate <= before:
            return least
        for after, cost in self.points[1:]:
            if rate <= after:
                share = math.log(rate / before) / math.log(after / before)
                return least ** (1 - share) * cost**share if least > 0 and cost > 0 else least + (cost - least) * share
            before, least = after, cost
        return least


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """`figures` of the case, with the machine and day of the measurement; what `sized` then found, if it ran."""

    figures: dict[str, float]
    machine: str
    day: str
    sized: dict[str, float] = {}

    def __getitem__(self, name: str) -> float:
        """Raises CostsError where there is no such figure."""
        try:
            return self.figures[name]
        except KeyError:
            raise CostsError(f"the costs have no figure {name!r}: measure them with this version's bench") from None

    def curve(self, way: str, figure: str) -> Curve:
        """`figure` of `way` by rate; each measured rate is the one that came about. Raises CostsError."""
        points = [name.split(".")[1] for name in self.figures if name.startswith(f"{way}.") and name.endswith(".rate")]
        found = sorted((self[f"{way}.{point}.rate"], self[f"{way}.{point}.{figure}"]) for point in points)
        if not found:
            raise CostsError(f"the costs have nothing of {way!r}: measure them with this version's bench")
        return Curve(tuple(found))

    def most(self, way: str) -> float:
        """The highest rate that was measured."""
        return self.curve(way, "rate").points[-1][0]


def way_of(queue: Queue) -> str:
    """What stands for the messages of a queue where costs are measured."""
    if queue.kind == "decision":
        return queue.service
    return "push" if queue.service == "notification" else "call"


def load(file: Path | None = None) -> Costs:
    """The costs in `file`, or those that MOMO comes with. Raises CostsError."""
    source = file if file is not None else resources.files(__package__) / KEPT
    try:
        printed = msgspec.json.decode(source.read_bytes(), type=Printed)
    except OSError as error:
        raise CostsError(f"{source} can't be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise CostsError(f"{source} is no report of `momo bench --cases {CASE} --json`: {error}") from error
    if CASE not in printed.cases:
        raise CostsError(f"{source} has no case {CASE!r}: run `momo bench --cases {CASE} --json`")
    return Costs(
        figures=printed.cases[CASE], machine=printed.machine, day=printed.day, sized=printed.cases.get("sized", {})
    )
