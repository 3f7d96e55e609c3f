"""The book of one flush: the records it has locked, as the decisions made so far have left them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from momo.actors.record import Record, Values
from momo.actors.state import KeyLoad, RowsLoad
from momo.store.connection import Read, Rows
from momo.store.literal import literal
from momo.store.rows import table_of

MOST_ROWS = 1_000
"""In one statement, so that it stays within what a server takes."""

T = TypeVar("T")
Index = tuple[type[Record], tuple[str, ...]]


class Change(msgspec.Struct):
    """What became of a row: `before` as the database has it (None: no such row), `after` as the flush leaves it."""

    before: Record | None
    after: Record | None


class Book:
    """Records by their key and by each other unique key that a state asked for. Decisions see earlier ones' changes."""

    def __init__(self) -> None:
        self._indexes: dict[Index, dict[Values, Record | None]] = {}
        self._changes: dict[type[Record], dict[Values, Change]] = {}

    def locks(self, wanted: dict[Index, set[Values]]) -> Iterator[Read]:
        """Reads and locks the rows of `wanted`: tables by name and rows in key order, so that two flushes wait for each
        other instead of deadlocking."""
        for record, columns in sorted(wanted, key=lambda index: (index[0].table, index[1] != index[0].key, index[1])):
            if not (keys := wanted[record, columns]):
                continue  # a message with an empty list
            yield table_of(record).lock(columns, keys), partial(self._locked, record, columns, keys)

    def query(self, load: RowsLoad, command: Any, into: list[Record]) -> Read:
        """Reads and locks the rows of a query load; they are added to `into`."""
        rows = load.rows
        table = table_of(load.record)
        clauses = [f"`{column}`={literal(getattr(command, field))}" for column, field in rows.where.items()]
        clauses += [f"`{column}`={literal(value)}" for column, value in rows.equals.items()]

        def take(found: Rows) -> None:
            for row in found:
                into.append(table.read(row))
                self._learn(into[-1])

        sql = f"{table.select}{' AND '.join(clauses)} ORDER BY {rows.order} LIMIT {rows.limit} FOR UPDATE"
        return sql, take

    def find(self, record: type[Record], columns: tuple[str, ...], values: Values) -> Record | None:
        """The record at a key that was loaded, as it stands now."""
        return self._indexes.get((record, columns), {}).get(values)

    def loaded(self, load: KeyLoad, command: Any) -> Record | tuple[Record, ...] | None:
        """What a key load's field is, as earlier decisions have left it."""
        found = [self.find(load.record, load.columns, values) for values in load.values(command)]
        return tuple(record for record in found if record is not None) if load.many else found[0]

    def current(self, load: RowsLoad, command: Any, found: Iterable[Record]) -> tuple[Record, ...]:
        """What `found`, a query load's rows, has become since: without those that are gone or no longer match."""
        wanted = {column: getattr(command, field) for column, field in load.rows.where.items()} | load.rows.equals
        kept = []
        for record in found:
            now = self.find(load.record, load.record.key, table_of(load.record).key_of(record))
            # what is unchanged matches as the database compares, which need not be as Python does
            if now == record or (now is not None and all(getattr(now, c) == value for c, value in wanted.items())):
                kept.append(now)
        return tuple(kept)

    def save(self, record: Record) -> None:
        self._put(record, record)

    def drop(self, record: Record) -> None:
        self._put(record, None)

    def statements(self) -> Iterable[str]:
        """The SQL that writes what has changed: deletes, then new rows, then changed ones, each in key order."""
        for record, changes in sorted(self._changes.items(), key=lambda item: item[0].table):
            table = table_of(record)
            ordered = [changes[key] for key in sorted(changes)]
            gone = [table.key_of(c.before) for c in ordered if c.before is not None and c.after is None]
            new = [c.after for c in ordered if c.before is None and c.after is not None]
            changed = [c.after for c in ordered if c.before is not None and c.after is not None and c.after != c.before]
            yield from (table.delete(part) for part in _parts(gone))
            yield from (table.insert(part) for part in _parts(new))
            yield from (table.update(part) for part in _parts(changed))

    def _locked(self, record: type[Record], columns: tuple[str, ...], keys: set[Values], rows: Rows) -> None:
        table = table_of(record)
        found = self._indexes.setdefault((record, columns), {})
        for row in rows:
            loaded = table.read(row)
            self._learn(loaded)
            values = tuple(getattr(loaded, column) for column in columns)
            # the database may call two texts equal that Python does not (a collation): answer as it does
            key = values if values in keys else _alike(values, keys)
            found[key] = self.find(record, record.key, table.key_of(loaded))
        for key in keys:
            found.setdefault(key, None)

    def _learn(self, record: Record) -> None:
        """A row that was read. One that is known already keeps what decisions have made of it."""
        kind = type(record)
        known = self._indexes.setdefault((kind, kind.key), {})
        key = table_of(kind).key_of(record)
        if known.get(key) is None and key not in self._changes.get(kind, {}):
            known[key] = record

    def _put(self, record: Record, after: Record | None) -> None:
        kind = type(record)
        key = table_of(kind).key_of(record)
        before = self._indexes.setdefault((kind, kind.key), {}).get(key)
        changes = self._changes.setdefault(kind, {})
        if key in changes:
            changes[key].after = after
        else:
            changes[key] = Change(before, after)
        for (indexed, columns), found in self._indexes.items():
            if indexed is not kind:
                continue
            if before is not None:
                found.pop(tuple(getattr(before, column) for column in columns), None)
            if after is not None:
                found[tuple(getattr(after, column) for column in columns)] = after
            elif columns == kind.key:
                found[key] = None


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + MOST_ROWS] for start in range(0, len(items), MOST_ROWS))


def _alike(values: Values, keys: set[Values]) -> Values:
    folded = tuple(str(value).casefold() for value in values)
    return next((key for key in keys if tuple(str(value).casefold() for value in key) == folded), values)
