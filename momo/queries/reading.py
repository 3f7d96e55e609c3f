"""How rows become typed answers: one Struct names the columns, reads them, and is what the client gets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

Shape = TypeVar("Shape", bound=msgspec.Struct)

_PLAIN = (int, float, str, bytes, type(None), datetime)


class Reader(Generic[Shape]):
    """Reads rows of `columns`, a SELECT list made of the Struct's fields; `expressions` replaces some of them."""

    def __init__(self, shape: type[Shape], expressions: Mapping[str, str] | None = None) -> None:
        expressions = expressions or {}
        self._shape = shape
        self._names = tuple(field.name for field in msgspec.structs.fields(shape))
        hints = get_type_hints(shape)
        self._json = {name: hints[name] for name in self._names if getattr(hints[name], "__origin__", None) is tuple}
        self._bools = {name for name in self._names if hints[name] is bool}
        self.columns = ", ".join(expressions.get(name, name) for name in self._names)

    def read(self, row: tuple[Any, ...]) -> Shape:
        """A row of `columns` (further values in it are left alone)."""
        return self._shape(**{name: self._value(name, row[index]) for index, name in enumerate(self._names)})

    def _value(self, name: str, value: Any) -> Any:
        if name in self._json:
            return _decoder(self._json[name]).decode(value)
        if name in self._bools:
            return bool(value)
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC)
        if not isinstance(value, _PLAIN):
            raise TypeError(f"column {name} gave {value!r}, a {type(value).__name__}: cast it in the query")
        return value


@lru_cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
