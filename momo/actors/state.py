"""State: how a decision says which records it needs, at which keys of its message."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from momo.actors.record import Record, Values, getter


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision sees. Each field is `Annotated[SomeRecord | None, Key(…)]`, or a tuple of records with
    `Keys(…)` or `Rows(…)`; decisions that need nothing take `State` itself."""


class Key:
    """The record whose primary key stands in these fields of the message, or None.

    `Key("meeting_id", "member_id")` takes the primary key's columns in order;
    `Key(email="email")` finds by another unique column (column=field). Locked until the flush commits.
    """

    def __init__(self, *fields: str, **columns: str) -> None:
        if bool(fields) == bool(columns):
            raise TypeError('give either the primary key\'s fields, Key("a_id"), or unique columns, Key(email="email")')
        self.fields = fields
        self.columns = columns


class Keys(Key):
    """The records of each key that a list in the message makes, without those that are not there.

    The first of the fields is the list, as in `Keys("member_ids")` or `Keys(member_id="member_ids", type="type")`.
    Such a message counts as many in a flush as its list is long."""


class Rows:
    """Records that can't be named by a key: those whose columns equal fields of the message (`where`: column=field)
    and fixed values (`equals`), the first `limit` by `order`. Locked, and read fresh: such a message is decided as the
    first of its actor in a flush, since rows changed in memory would be missed."""

    def __init__(
        self, *, where: dict[str, str], order: str, limit: int, equals: dict[str, str | int] | None = None
    ) -> None:
        self.where = where
        self.equals = equals or {}
        self.order = order
        self.limit = limit


class KeyLoad(msgspec.Struct, frozen=True):
    """A field of a State that is found by key: `columns` of `record` equal `fields` of the message, `many` times
    where the first of them is a list."""

    name: str
    record: type[Record]
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    many: bool
    _get: Callable[[Any], Values]

    def values(self, command: Any) -> Sequence[Values]:
        """The keys to load for `command`."""
        key = self._get(command)
        return [(value, *key[1:]) for value in dict.fromkeys(key[0])] if self.many else (key,)


class RowsLoad(msgspec.Struct, frozen=True):
    """A field of a State that is found by a query."""

    name: str
    record: type[Record]
    rows: Rows


def loads_of(state: type[State]) -> tuple[tuple[KeyLoad, ...], tuple[RowsLoad, ...]]:
    """What must be read before a decision can see a `state`. Raises TypeError for a field without any of them."""
    keys: list[KeyLoad] = []
    rows: list[RowsLoad] = []
    for name, hint in get_type_hints(state, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{state.__name__}.{name} must be Annotated with Key(…), Keys(…) or Rows(…)")
        inner, mark, *_ = get_args(hint)
        record = _record_in(inner)
        if isinstance(mark, Rows):
            rows.append(RowsLoad(name, record, mark))
        elif isinstance(mark, Key):
            columns = tuple(mark.columns) or record.key
            fields = tuple(mark.columns.values()) or mark.fields
            if len(columns) != len(fields):
                raise TypeError(f"{state.__name__}.{name} gives {fields} for the key {columns} of {record.__name__}")
            keys.append(KeyLoad(name, record, columns, fields, isinstance(mark, Keys), getter(fields)))
        else:
            raise TypeError(f"{state.__name__}.{name} must be Annotated with Key(…), Keys(…) or Rows(…)")
    return tuple(keys), tuple(rows)


def _record_in(hint: Any) -> type[Record]:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType, tuple) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Record):
            return option
    raise TypeError(f"{hint} names no Record")
