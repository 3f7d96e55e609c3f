"""Secrets in what operators see: values whose names say so are blanked, and put back into what was edited."""

from __future__ import annotations

import re
from typing import Any

BLANK = "[redacted]"
_NAME = re.compile("password|token|secret|hash|authorization|cookie", re.IGNORECASE)
_PAIR = re.compile(
    r"""(["']?[\w-]*(?:password|token|secret|hash|authorization|cookie)[\w-]*["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|[^\s,}&]+)""",
    re.IGNORECASE,
)
_ARGON2 = re.compile(r"\$argon2\w*\$[^\s\"']*")


def redacted(value: Any, name: str = "") -> Any:
    """JSON `value` without what is secret in it; `name` is the field that holds it."""
    if _NAME.search(name) and value not in (None, ""):
        return BLANK
    match value:
        case dict():
            return {key: redacted(item, str(key)) for key, item in value.items()}
        case list():
            return [redacted(item, name) for item in value]
        case str():
            return redacted_text(value)
    return value


def redacted_text(text: str) -> str:
    """`text` that is no JSON, as far as its secrets can be told."""
    return _ARGON2.sub(BLANK, _PAIR.sub(lambda pair: pair[1] + BLANK, text))


def restored(edited: Any, original: Any) -> Any:
    """`edited` with each blank replaced by what stands there in `original`. Raises LookupError where nothing does."""
    match edited, original:
        case dict(), dict():
            return {key: restored(item, original.get(key)) for key, item in edited.items()}
        case list(), list():
            padded = [*original, *[None] * len(edited)]
            return [restored(item, padded[place]) for place, item in enumerate(edited)]
        case dict(), _:
            return {key: restored(item, None) for key, item in edited.items()}
        case list(), _:
            return [restored(item, None) for item in edited]
    if edited != BLANK:
        return edited
    if original is None:
        raise LookupError(f"{BLANK} stands where the letter had no value")
    return original
