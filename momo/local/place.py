"""Where a private server runs: on loopback, or on a host of its own."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True):
    """`address` is what the server listens on and is reached at; `within` are the words before a command line that run
    it there."""

    address: str = "127.0.0.1"
    within: tuple[str, ...] = ()


HERE = Place()
