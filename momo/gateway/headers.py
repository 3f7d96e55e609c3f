"""The request headers that steer a command: Idempotency-Key, Prefer and traceparent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from litestar import Request

from momo.gateway.problems import problem
from momo.telemetry.traceparent import parsed

LONGEST_WAIT_SECONDS = 30

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


def idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    """The Idempotency-Key, quoted or bare, or None. Raises a 400 problem where it is no key."""
    values: Sequence[str] = request.headers.getall("idempotency-key", [])
    if not values:
        return None
    text = values[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(values) > 1 or not _PRINTABLE.fullmatch(key) or (not quoted and '"' in key):
        raise problem(
            "idempotency-key-malformed",
            "The Idempotency-Key is malformed",
            400,
            "Send one Idempotency-Key of 1 to 255 printable ASCII characters, in double quotes or bare.",
        )
    return key


def wait_seconds(request: Request[Any, Any, Any]) -> int:
    """How long `Prefer: wait=N` asks to wait, at most 30 seconds; 0 where it does not. RFC 7240: a malformed
    preference is ignored."""
    for value in request.headers.getall("prefer", []):
        for preference in value.split(","):
            match = _WAIT.fullmatch(preference.partition(";")[0].strip())
            if match:
                return min(int(match[1]), LONGEST_WAIT_SECONDS)
    return 0


def traceparent(request: Request[Any, Any, Any]) -> str:
    """The caller's W3C trace context, or an empty string where it sent none that is valid."""
    value = request.headers.get("traceparent", "")
    return value if parsed(value) else ""
