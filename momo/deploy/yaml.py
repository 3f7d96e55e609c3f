"""Plain data as YAML that people can read: one way to write each value, and no library at run time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

WIDTH = 120

_PLAIN = re.compile(r"[A-Za-z/_](?:[\w./:@+-]*[\w/])?", re.ASCII)
_LINES = re.compile(r"[!-~][ -~]*\n(?:[ -~]*[!-~]\n)+")
"""A text that is read more easily line by line."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 or 1.2 reads as something else than text."""


def documents(values: Iterable[Mapping[str, Any]]) -> str:
    """The mappings as documents of one file."""
    return "---\n".join(document(value) for value in values)


def document(value: Mapping[str, Any]) -> str:
    """A mapping of mappings, sequences, strings, numbers and booleans, at any depth. What fits on a line is on one."""
    return "".join(f"{line}\n" for line in _mapping(value, ""))


def _mapping(value: Mapping[str, Any], pad: str) -> Iterator[str]:
    for key, item in value.items():
        start = f"{pad}{_scalar(key)}:"
        if isinstance(item, str) and _LINES.fullmatch(item):
            yield f"{start} |"
            yield from (f"{pad}  {line}" for line in item.splitlines())
            continue
        line = f"{start} {_flow(item)}"
        if _is_short(item, line):
            yield line
        else:
            yield start
            yield from _lines(item, f"{pad}  ")


def _sequence(value: Sequence[Any], pad: str) -> Iterator[str]:
    for item in value:
        line = f"{pad}- {_flow(item)}"
        if _is_short(item, line):
            yield line
        else:
            first, *rest = _lines(item, f"{pad}  ")
            yield f"{pad}- {first.lstrip()}"
            yield from rest


def _lines(value: Any, pad: str) -> Iterator[str]:
    return _mapping(value, pad) if isinstance(value, Mapping) else _sequence(value, pad)


def _is_short(value: Any, line: str) -> bool:
    return not value or not isinstance(value, Mapping | list | tuple) or len(line) <= WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
