"""Keyset pages: a cursor is the sort key of the last item seen, opaque to the client."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

Item = TypeVar("Item")

LIMIT = 100
"""The most items a page may have."""


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True, rename="camel"):
    """`next` is the cursor of the page that follows, or None after the last."""

    items: list[Item]
    next: str | None = None


def cursor_of(*key: Any) -> str:
    """The opaque cursor of a sort key (ints, strings, aware datetimes)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def key_in(cursor: str, *kinds: Any) -> tuple[Any, ...]:
    """The sort key in `cursor`, of these kinds. Raises ValueError for a cursor that is not of this list."""
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key: tuple[Any, ...] = msgspec.json.decode(text, type=tuple.__class_getitem__(kinds))
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise ValueError(
            "the cursor is malformed or of another list: give `next` of the page before, or leave it out"
        ) from error
    return key


def page(rows: Sequence[Item], limit: int, key: Callable[[Item], tuple[Any, ...]]) -> Page[Item]:
    """A page of the first `limit` of `rows`; the query asked for one more, which tells whether there is a next page."""
    items = list(rows[:limit])
    return Page(items=items, next=cursor_of(*key(items[-1])) if len(rows) > limit else None)


def checked(limit: int) -> int:
    """`limit`, if it is one. Raises ValueError."""
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"limit is {limit}; give 1 to {LIMIT}")
    return limit
