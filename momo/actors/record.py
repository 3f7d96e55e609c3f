"""Records: the frozen rows that decisions read and replace."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

Values = tuple[Any, ...]
"""A key, or a row: what stands in some columns."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `table`, found by `key` (its primary key's columns); fields are columns of the same names.

    Fields are int, float, bool, str, bytes, aware UTC datetime, None, or anything msgspec can keep as JSON.
    Records are never changed: `msgspec.structs.replace(record, …)` makes the next one.
    """

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


def getter(names: tuple[str, ...]) -> Callable[[Any], Values]:
    """What reads these fields of a record or message, always as a tuple."""
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda thing: (get(thing),)
