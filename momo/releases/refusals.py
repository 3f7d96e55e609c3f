"""What a reader of one schema would refuse of what a writer of another sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from momo.releases.schemas import Schema, Seen, Side, at, entered

NOTES = {"title", "description", "default", "examples"}
"""Keywords that decide nothing about what is taken."""
AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
EQUAL = ("format", "pattern", "multipleOf", "contentEncoding", "uniqueItems", "discriminator", "propertyNames")
NESTED = ("type", "enum", "const", "anyOf", "$ref", "properties", "required", "additionalProperties", "items")
KNOWN = NOTES | {*AT_LEAST, *AT_MOST, *EQUAL, *NESTED, "prefixItems"}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def refusals(reader: Side, writer: Side, path: str = "", seen: Seen = frozenset()) -> Iterator[str]:
    """What of `writer` a `reader` refuses, a text each that begins with the field; none where it takes all."""
    now = entered(reader, writer, seen)
    if now is None:
        return
    readers = reader.alternatives()
    for sent in writer.alternatives():
        found = [(each, list(_plain(each, sent, path, now))) for each in readers]
        if all(refused for _, refused in found):
            near = [refused for each, refused in found if each.schema.get("type") == sent.schema.get("type")]
            nearest = near or [refused for _, refused in found]
            yield from nearest[0] if len(nearest) == 1 else [f"{path or 'it'} may be {_name(sent)}"]


def _plain(reader: Side, writer: Side, path: str, seen: Seen) -> Iterator[str]:
    """The same for schemas that are one alternative each."""
    taken, sent = reader.schema, writer.schema
    if unknown := sorted((taken.keys() | sent.keys()) - KNOWN):
        if any(taken.get(word) != sent.get(word) for word in unknown):
            yield f"{path or 'it'} differs in {', '.join(unknown)}, which is not understood here"
    elif not taken.keys() - NOTES:
        return
    elif (values := _values(sent)) is not None:
        yield from _enumerated(taken, values, path)
    elif _values(taken) is not None or not _type_fits(taken.get("type"), sent.get("type")):
        yield f"{path or 'it'} may be {_name(writer)}, not only {_name(reader)}"
    else:
        yield from _limits(taken, sent, path)
        yield from _inside(reader, writer, path, seen)


def _enumerated(taken: Schema, values: list[Any], path: str) -> Iterator[str]:
    named = _values(taken)
    limited = taken.keys() & {*AT_LEAST, *AT_MOST, *EQUAL}
    for value in values:
        fits = value in named if named is not None else not limited and _type_fits(taken.get("type"), _type_of(value))
        if not fits:
            yield f"{path or 'it'} may be {msgspec.json.encode(value).decode()}"


def _limits(taken: Schema, sent: Schema, path: str) -> Iterator[str]:
    for words, sign in ((AT_LEAST, -1), (AT_MOST, 1)):
        for word in words:
            if word in taken and (word not in sent or sign * sent[word] > sign * taken[word]):
                yield f"{path or 'it'} has {word} {sent.get(word, 'not set')}, not {taken[word]}"
    for word in EQUAL:
        if word in taken and taken[word] != sent.get(word):
            yield f"{path or 'it'} has {word} {sent.get(word, 'not set')}, not {taken[word]}"


def _inside(reader: Side, writer: Side, path: str, seen: Seen) -> Iterator[str]:
    taken, sent = reader.schema, writer.schema
    for name in taken.get("required", ()):
        if name not in sent.get("required", ()):
            yield f"{at(path, name)} may be missing"
    fields, given = taken.get("properties", {}), sent.get("properties", {})
    for name in fields.keys() & given.keys():
        yield from refusals(reader.of(fields[name]), writer.of(given[name]), at(path, name), seen)
    if taken.get("additionalProperties") is False:
        yield from (f"{at(path, name)} is unknown" for name in sorted(given.keys() - fields.keys()))
    else:
        yield from _each(reader, writer, "additionalProperties", f"{path}.*", seen)
    places, filled = taken.get("prefixItems", []), sent.get("prefixItems", [])
    for number, (place, filling) in enumerate(zip(places, filled, strict=False)):
        yield from refusals(reader.of(place), writer.of(filling), f"{path}[{number}]", seen)
    yield from _each(reader, writer, "items", f"{path}[]", seen)


def _each(reader: Side, writer: Side, word: str, path: str, seen: Seen) -> Iterator[str]:
    """For the schema of all entries of a list or object: `word` says which, true or absent is any."""
    taken, sent = reader.schema.get(word), writer.schema.get(word)
    if isinstance(taken, Mapping):
        yield from refusals(reader.of(taken), writer.of(sent if isinstance(sent, Mapping) else {}), path, seen)


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _type_fits(taken: str | None, sent: str | None) -> bool:
    return taken is None or taken == sent or (taken, sent) == ("number", "integer")


def _type_of(value: Any) -> str:
    return TYPES[type(value)]


def _name(side: Side) -> str:
    """What a person calls the schema."""
    schema = side.schema
    if (values := _values(schema)) is not None:
        return " or ".join(msgspec.json.encode(value).decode() for value in values)
    kind = schema.get("title") or schema.get("format") or schema.get("type") or "anything"
    return str(kind)
