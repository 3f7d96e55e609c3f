"""The W3C trace context as a header says it: read without OpenTelemetry, which only traced processes load."""

from __future__ import annotations

import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_ODD = "13579bdf"


def parsed(traceparent: str) -> tuple[str, str, int] | None:
    """Trace id, span id (in hexadecimal) and flags; None for what is no traceparent."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return (found[1], found[2], int(found[3], 16)) if found else None


def sampled(traceparent: str) -> bool:
    """Whether `traceparent` may say that its trace is sampled, at the least cost."""
    return bool(traceparent) and traceparent[-1] in _ODD


def sampled_trace(traceparent: str) -> str:
    """The id of a sampled trace; empty where there is none, or it is not sampled."""
    if not sampled(traceparent):
        return ""
    found = parsed(traceparent)
    return found[0] if found else ""
