"""Records: the frozen rows that decisions read and replace."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `table`, found by `key` (its primary key's columns); fields are columns of the same names.

    Fields are int, float, bool, str, bytes, aware UTC datetime, None, or anything msgspec can keep as JSON.
    Records are never changed: `msgspec.structs.replace(record, …)` makes the next one.
    """

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
