"""One side of a comparison: a JSON Schema with the components that its references mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Schema = Mapping[str, Any]
Seen = frozenset[tuple[str, str]]
"""Pairs of references that are being compared already: a type may contain itself."""


class Side(msgspec.Struct, frozen=True):
    """`components` are schemas by their names, which `$ref` ends with."""

    schema: Schema
    components: Mapping[str, Schema]

    def of(self, schema: Schema) -> Side:
        return Side(schema, self.components)

    def resolved(self) -> Side:
        side = self
        while "$ref" in side.schema:
            side = side.of(side.components[side.schema["$ref"].rpartition("/")[2]])
        return side

    def alternatives(self) -> list[Side]:
        """Every schema that one value of this may be of."""
        side = self.resolved()
        if "anyOf" not in side.schema:
            return [side]
        return [found for each in side.schema["anyOf"] for found in side.of(each).alternatives()]


def entered(old: Side, new: Side, seen: Seen) -> Seen | None:
    """`seen` with this pair, or None where it is in there."""
    pair = old.schema.get("$ref", ""), new.schema.get("$ref", "")
    if pair in seen:
        return None
    return seen | {pair} if all(pair) else seen


def at(path: str, name: str) -> str:
    """The path of a field."""
    return f"{path}.{name}" if path else name
