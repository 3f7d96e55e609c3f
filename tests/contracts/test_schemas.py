"""Two schemas compared: what one refuses of the other is found, and nothing that it takes is called refused."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from contracts.moment import Moment
from momo.releases.losses import losses
from momo.releases.refusals import refusals
from momo.releases.schemas import Side


class One(Struct):
    a: int


class Two(Struct):
    a: int
    b: str


class TwoOptional(Struct):
    a: int
    b: str = ""


class Renamed(Struct):
    c: int


class Strict(Struct, forbid_unknown_fields=True):
    a: int


class Tree(Struct):
    name: str
    children: list[Tree] = []


class NumberedTree(Struct):
    name: int
    children: list[NumberedTree] = []


class Pair(Struct, array_like=True):
    first: int
    second: int


class Triple(Struct, array_like=True):
    first: int
    second: int
    third: int = 0


class Cat(Struct, tag="cat"):
    a: int


class Dog(Struct, tag="dog"):
    a: int


SAMPLES: dict[Any, list[Any]] = {
    int: [0, -5, 10**12],
    float: [1.5, 2.0, 3],
    str: ["", "x" * 30, "가"],
    bool: [True, False],
    None: [None],
    int | None: [1, None],
    int | str: [1, "x"],
    Any: [1, "x", None, [1], {"a": 1}],
    Literal["a", "b"]: ["a", "b"],
    Literal["a", "b", "c"]: ["c"],
    Literal[1, 2]: [1, 2],
    Annotated[int, Meta(ge=0)]: [0, 10**12],
    Annotated[int, Meta(ge=0, le=10)]: [0, 10],
    Annotated[int, Meta(ge=1, le=11)]: [11],
    Annotated[str, Meta(max_length=5)]: ["", "aaaaa"],
    Annotated[str, Meta(min_length=2)]: ["aa", "x" * 30],
    Annotated[str, Meta(pattern="^a")]: ["a1"],
    Moment: ["2026-01-01T00:00:00Z"],
    list[int]: [[], [1, 2]],
    list[int | None]: [[None]],
    Annotated[list[int], Meta(max_length=1)]: [[1]],
    dict[str, int]: [{}, {"a": 1}],
    dict[str, str]: [{"a": "x"}],
    One: [{"a": 1}],
    Two: [{"a": 1, "b": ""}],
    TwoOptional: [{"a": 1}, {"a": 1, "b": "x"}],
    Renamed: [{"c": 1}],
    Strict: [{"a": 1}],
    One | None: [{"a": 1}, None],
    list[Two]: [[{"a": 1, "b": "x"}]],
    Tree: [{"name": "x", "children": [{"name": "y"}]}],
    NumberedTree: [{"name": 1}],
    Pair: [[1, 2]],
    Triple: [[1, 2, 3]],
    tuple[int, int]: [[1, 2]],
    Cat: [{"type": "cat", "a": 1}],
    Cat | Dog: [{"type": "cat", "a": 1}, {"type": "dog", "a": 1}],
}
"""Types, and JSON that a writer of each may send."""


def side(kind: Any) -> Side:
    (schema,), components = msgspec.json.schema_components([kind])
    return Side(schema, components)


def refused(reader: Any, writer: Any) -> list[str]:
    return list(refusals(side(reader), side(writer)))


@pytest.mark.parametrize("reader", SAMPLES, ids=str)
def test_what_is_not_called_refused_is_read(reader: Any) -> None:
    for writer, samples in SAMPLES.items():
        if not refused(reader, writer):
            for sample in samples:
                msgspec.json.decode(msgspec.json.encode(sample), type=reader)


def test_what_reads_every_sample_is_rarely_called_refusing() -> None:
    """Where a schema says too little it is refused; that must stay the exception, or nobody believes the check."""
    wrong = set()
    for reader, writer in product(SAMPLES, SAMPLES):
        if refused(reader, writer) and all(readable(reader, sample) for sample in SAMPLES[writer]):
            wrong.add((str(reader), str(writer)))
    assert not any(reader == writer for reader, writer in wrong)
    assert len(wrong) < 30, wrong


def readable(kind: Any, sample: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(sample), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("reader", "writer", "says"),
    [
        (Two, TwoOptional, ["b may be missing"]),
        (Two, One, ["b may be missing"]),
        (TwoOptional, One, []),
        (One, Two, []),
        (int, float, ["it may be number, not only integer"]),
        (float, int, []),
        (int, int | None, ["it may be null, not only integer"]),
        (int | None, int, []),
        (Literal["a", "b"], Literal["a", "b", "c"], ['it may be "c"']),
        (Literal["a", "b"], str, ['it may be string, not only "a" or "b"']),
        (str, Literal["a"], []),
        (int, Literal["a"], ['it may be "a"']),
        (Annotated[int, Meta(ge=1)], int, ["it has minimum not set, not 1"]),
        (Annotated[int, Meta(le=10)], Annotated[int, Meta(le=11)], ["it has maximum 11, not 10"]),
        (Annotated[int, Meta(le=11)], Annotated[int, Meta(le=10)], []),
        (Annotated[str, Meta(max_length=3)], str, ["it has maxLength not set, not 3"]),
        (Moment, str, ["it has format not set, not date-time"]),
        (list[int], list[str], ["[] may be string, not only integer"]),
        (One | None, Renamed | None, ["a may be missing"]),
        (Strict, TwoOptional, ["b is unknown"]),
        (Tree, NumberedTree, ["name may be integer, not only string"]),
        (Pair, Triple, []),
        (Triple, Pair, []),
        (Cat, Cat | Dog, ['type may be "dog"']),
    ],
)  # fmt: skip
def test_what_is_refused_is_named(reader: Any, writer: Any, says: list[str]) -> None:
    assert refused(reader, writer) == says


def lost(old: Any, new: Any) -> list[str]:
    return list(losses(side(old), side(new)))


class Defaults(Struct):
    a: int = 1
    b: int | None = None


class OtherDefaults(Struct):
    a: int = 2
    b: int | None = None


class Holder(Struct):
    ones: list[One]
    pair: Pair


class OtherHolder(Struct):
    ones: list[Renamed]
    pair: tuple[int]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (Two, One, ["b is gone"]),
        (One, Two, []),
        (One, Renamed, ["a is gone, or is now called c"]),
        (Defaults, OtherDefaults, ["a has the default 2, not 1"]),
        (Defaults, Defaults, []),
        (Holder, OtherHolder, ["ones[].a is gone, or is now called ones[].c", "pair[1] is gone"]),
        (list[Two] | None, list[One] | None, ["[].b is gone"]),
        (Tree, Tree, []),
    ],
)  # fmt: skip
def test_what_is_lost_is_named(old: Any, new: Any, says: list[str]) -> None:
    assert lost(old, new) == says
