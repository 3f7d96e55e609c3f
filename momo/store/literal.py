"""SQL literals: Python values as text that MySQL and MariaDB read back as the same value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from pymysql.converters import escape_string

_json = msgspec.json.Encoder(order="deterministic").encode


def literal(value: Any) -> str:
    """`value` as a literal. int, float, bool, str, bytes, aware datetime (as UTC), None; anything else becomes JSON.

    Raises ValueError for a datetime without a zone and for a float that is not finite. Strings rely on backslash
    escapes: the connection's sql_mode is set by `momo.store.connection` and has no NO_BACKSLASH_ESCAPES.
    """
    return _LITERALS.get(type(value), _other)(value)


def _text(value: str) -> str:
    return f"'{escape_string(value)}'"


@lru_cache(maxsize=64)  # a flush writes its moment into each of its rows
def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; MOMO keeps aware UTC datetimes")
    return f"'{value.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')}'"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number that SQL knows")
    return repr(value)


def _other(value: Any) -> str:
    return f"'{escape_string(_json(value).decode())}'"


_LITERALS: dict[type[Any], Callable[[Any], str]] = {
    int: str,
    str: _text,
    type(None): lambda _: "NULL",
    datetime: _moment,
    bytes: lambda value: f"x'{value.hex()}'",
    bool: lambda value: "1" if value else "0",
    float: _float,
}


def tuples(rows: Iterable[Iterable[Any]]) -> str:
    """`(1,'a'),(2,'b')`: the rows of a VALUES list."""
    find = _LITERALS.get
    return ",".join([f"({','.join([find(type(value), _other)(value) for value in row])})" for row in rows])


def bind(sql: str, args: tuple[Any, ...]) -> str:
    """`sql` with each `%s` replaced by the literal of its argument; `%%` stands for a percent sign then."""
    return sql % tuple(literal(arg) for arg in args) if args else sql
