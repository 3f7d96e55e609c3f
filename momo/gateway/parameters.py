"""Path and query parameters that several routes take, with their bounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar.params import PathParameter, QueryParameter

from momo.gateway.problems import invalid

MOST_ID = 2**53 - 1

Id = Annotated[int, PathParameter(ge=1, le=MOST_ID)]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The most entries of a page.")]
Cursor = Annotated[str | None, QueryParameter(max_length=300, description="`next` of the page before.")]

_instant = Annotated[datetime, msgspec.Meta(tz=True)]
Instant = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with an offset or Z.")]


@contextmanager
def asked(field: str = "cursor") -> Iterator[None]:
    """A query's ValueError, which says what is wrong with its arguments, as a 400 problem about `field`."""
    try:
        yield
    except ValueError as error:
        raise invalid(field, str(error)) from error


def utc(field: str, moment: datetime) -> datetime:
    """`moment` in UTC. Raises a 400 problem where the calendar ends before it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise invalid(field, "is outside the calendar") from None


def instant(field: str, text: str | None) -> datetime | None:
    """A query parameter as an instant in UTC. Raises a 400 problem where it is not RFC 3339 with an offset."""
    if text is None:
        return None
    try:
        # a plus sign in a query that was not escaped arrives as a space
        return utc(field, msgspec.convert(text.replace(" ", "+"), _instant))
    except msgspec.ValidationError:
        raise invalid(field, "should be RFC 3339 with an offset, such as 2026-01-31T09:00:00Z") from None
