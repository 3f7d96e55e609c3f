"""Where a private server runs: on loopback, or on a host of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import msgspec


class Place(msgspec.Struct, frozen=True):
    """`address` is what the server listens on and is reached at; `within` are the words before a command line that run
    it there."""

    address: str = "127.0.0.1"
    within: tuple[str, ...] = ()


HERE = Place()


class Placed(TypedDict, total=False):
    """What any private server may be told: `path` replaces the search path for programs, `keep_open` are descriptors
    that it inherits, `place` is where it runs."""

    path: str | None
    keep_open: Sequence[int]
    place: Place
