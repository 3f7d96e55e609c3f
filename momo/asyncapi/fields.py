"""A schema as a table of fields, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from momo.asyncapi.html import Html, anchor, code, element, separated

Schema = Mapping[str, Any]
SHOWN = {"type", "format", "enum", "const", "anyOf", "items", "prefixItems", "$ref", "title", "description", "default"}
"""What the type and its text say; all else of a field is a limit."""


def fields(schema: Schema) -> Html:
    """The fields of an object, or the places of a list, with their types, whether they must be there, and limits."""
    places = {f"[{number}]": place for number, place in enumerate(schema.get("prefixItems", ()))}
    required = {*schema.get("required", ()), *list(places)[: schema.get("minItems", 0)]}
    rows = [
        element(
            "tr",
            element("th", element("code", name)),
            element("td", kind(field)),
            element("td", _presence(name, field, required)),
            element("td", code(field.get("description", ""))),
        )
        for name, field in (schema.get("properties") or places).items()
    ]
    head = element("tr", [element("th", name) for name in ("field", "type", "", "")])
    return element("table", element("thead", head), element("tbody", rows))


def kind(schema: Schema) -> list[str]:
    """What a value may be."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [anchor(f"schema-{name}", name)]
    if "anyOf" in schema:
        return [part for each in separated([kind(one) for one in schema["anyOf"]], [" or "]) for part in each]
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return separated([element("code", msgspec.json.encode(value).decode()) for value in values], " or ")
    if "items" in schema and isinstance(schema["items"], Mapping):
        return ["list of ", *kind(schema["items"])]
    return [str(schema.get("format") or schema.get("type") or "anything")]


def _presence(name: str, field: Schema, required: set[str]) -> str:
    limits = [f"{word} {value}" for word, value in field.items() if word not in SHOWN]
    if name in required:
        return ", ".join(["required", *limits])
    given = f"default {msgspec.json.encode(field['default']).decode()}" if "default" in field else "optional"
    return ", ".join([given, *limits])
