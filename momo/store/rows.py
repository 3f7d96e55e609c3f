"""Records in bulk: how a Record class is read from and written to its table, many rows a statement."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from momo.actors.record import Record, Values, getter
from momo.store.literal import literal, tuples


class Table:
    """The SQL of one Record class; the same text for the same class, so one is kept for each (`table_of`)."""

    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.columns = tuple(field.name for field in msgspec.structs.fields(record))
        hints = get_type_hints(record)
        self._readers = tuple((i, read) for i, c in enumerate(self.columns) if (read := _reader(hints[c])) is not None)
        self.key_of = getter(record.key)
        """A record's primary key, as a tuple."""
        self._values = getter(self.columns)
        names = ",".join(f"`{column}`" for column in self.columns)
        self.select = f"SELECT {names} FROM `{record.table}` WHERE "
        self._insert = f"INSERT INTO `{record.table}` ({names}) VALUES "
        plain = [column for column in self.columns if column not in record.key]
        # a row that is all key has nothing to update; the no-op keeps the statement one shape
        self._update = " ON DUPLICATE KEY UPDATE " + ",".join(f"`{c}`=VALUES(`{c}`)" for c in plain or record.key)
        self._delete = f"DELETE FROM `{record.table}` WHERE "

    def read(self, row: Sequence[Any]) -> Record:
        """A row of `select` as a record."""
        values = list(row)
        for index, read in self._readers:
            if values[index] is not None:
                values[index] = read(values[index])
        return self.record(**dict(zip(self.columns, values, strict=True)))

    def lock(self, columns: tuple[str, ...], keys: Iterable[Values]) -> str:
        """Reads and locks the rows whose `columns` equal one of `keys`, in key order."""
        order = ",".join(f"`{column}`" for column in columns)
        return f"{self.select}{condition(columns, keys)} ORDER BY {order} FOR UPDATE"

    def insert(self, records: Iterable[Record]) -> str:
        """Adds rows; a row that is there already is an error, not an update."""
        return self._insert + tuples(map(self._values, records))

    def update(self, records: Iterable[Record]) -> str:
        """Writes rows that are known to exist and are locked."""
        return self._insert + tuples(map(self._values, records)) + self._update

    def delete(self, keys: Iterable[Values]) -> str:
        return self._delete + condition(self.record.key, keys)


@cache
def table_of(record: type[Record]) -> Table:
    """The Table of a Record class. Raises TypeError where `key` names no column."""
    table = Table(record)
    if missing := set(record.key) - set(table.columns):
        raise TypeError(f"{record.__name__}.key names {sorted(missing)}, which are no fields of it")
    return table


def condition(columns: tuple[str, ...], keys: Iterable[Values]) -> str:
    """`columns` equal one of `keys`, written so that the optimizer sees ranges of an index: MariaDB does not for
    `(a, b) IN ((1, 2), …)`."""
    if len(columns) == 1:
        return f"`{columns[0]}` IN ({','.join(literal(key[0]) for key in sorted(keys))})"
    groups: dict[Values, list[Any]] = {}
    for key in sorted(keys):
        groups.setdefault(key[:-1], []).append(key[-1])
    heads = columns[:-1]
    return " OR ".join(
        "("
        + " AND ".join(f"`{column}`={literal(value)}" for column, value in zip(heads, head, strict=True))
        + f" AND `{columns[-1]}` IN ({','.join(map(literal, tails))}))"
        for head, tails in groups.items()
    )


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    """What turns the driver's value into the field's, or None where they are the same."""
    options = [option for option in _options(hint) if option is not type(None)]
    if len(options) == 1:
        kind = options[0]
        if kind is datetime:
            return lambda value: value.replace(tzinfo=UTC)
        if kind is bool:
            return bool
        if kind in (int, str, bytes, float):
            return None
    if all(get_origin(option) is not None and isinstance(get_args(option)[0], str) for option in options):
        return None  # Literal["a", "b"] is text
    decoder = msgspec.json.Decoder(hint)
    return decoder.decode


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
