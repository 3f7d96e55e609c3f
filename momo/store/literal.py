"""SQL literals: Python values as text that MySQL and MariaDB read back as the same value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from pymysql.converters import escape_string

_json = msgspec.json.Encoder(order="deterministic").encode


def literal(value: Any) -> str:  # noqa: C901, PLR0911 - one a type
    """`value` as a literal. int, float, bool, str, bytes, aware datetime (as UTC), None; anything else becomes JSON.

    Raises ValueError for a datetime without a zone and for a float that is not finite. Strings rely on backslash
    escapes: the connection's sql_mode is set by `momo.store.connection` and has no NO_BACKSLASH_ESCAPES.
    """
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return f"'{escape_string(value)}'"
    if value is None:
        return "NULL"
    if kind is datetime:
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; MOMO keeps aware UTC datetimes")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return f"'{value.replace(tzinfo=None).isoformat(' ', 'microseconds')}'"
    if kind is bytes:
        return f"x'{value.hex()}'"
    if kind is bool:
        return "1" if value else "0"
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a number that SQL knows")
        return repr(value)
    return f"'{escape_string(_json(value).decode())}'"


def tuples(rows: Iterable[Iterable[Any]]) -> str:
    """`(1,'a'),(2,'b')`: the rows of a VALUES list."""
    return ",".join([f"({','.join([literal(value) for value in row])})" for row in rows])


def bind(sql: str, args: tuple[Any, ...]) -> str:
    """`sql` with each `%s` replaced by the literal of its argument; `%%` stands for a percent sign then."""
    return sql % tuple(literal(arg) for arg in args) if args else sql
