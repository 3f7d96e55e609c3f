"""Upcasts: from the wire form of an older version of a contract to the next one's. Messages outlive a release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Fields = dict[str, Any]
Upcast = Callable[[Fields], Fields]
"""From a message's JSON object to that of the next version, by names as they are on the wire. It may change its
argument. It is a pure function that stays for good: who names no version sends the first."""

UPCASTS: dict[tuple[str, int], Upcast] = {}
"""By routing key and the version that it takes. When `JoinMeeting` gets a field that must be there:

    wire_version: ClassVar = 2                                          # in contracts/meeting.py
    ("meeting.join", 1): lambda fields: {"seats": 1, **fields}          # here
"""


class NoUpcast(LookupError):
    """There is no way from an older version to ours; the text says where it breaks off."""


def upcast(key: str, fields: Fields, version: int, wanted: int) -> Fields:
    """`fields`, a message of `key` as `version` writes it, as `wanted` reads it. Raises NoUpcast."""
    for step in range(version, wanted):
        if (key, step) not in UPCASTS:
            raise NoUpcast(f"contracts/upcasts.py has no way from version {step} of {key} to {step + 1}")
        fields = UPCASTS[key, step](fields)
    return fields
