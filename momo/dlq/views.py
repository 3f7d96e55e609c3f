"""What a desk shows: letters and groups of them as plain data with nothing secret in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from momo.dlq.body import body_of
from momo.dlq.fingerprint import blanked
from momo.dlq.letter import Letter
from momo.dlq.secrets import redacted, redacted_text
from momo.dlq.turns import Hold


class Group(msgspec.Struct, kw_only=True, rename="camel"):
    """Letters of one queue that died of the same. `error` has a `#` for each number and id; `example` is the id of the
    oldest of them. Times are UTC, and absent where no letter says when it died."""

    queue: str
    origin: str
    fingerprint: str
    reason: str
    error: str
    count: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    example: str

    def add(self, letter: Letter) -> None:
        self.count += 1
        if letter.died_at is not None:
            self.oldest = min(self.oldest or letter.died_at, letter.died_at)
            self.newest = max(self.newest or letter.died_at, letter.died_at)


class Listing(msgspec.Struct, kw_only=True, rename="camel"):
    """`cut` are queues that hold more than was looked at, `busy` those that another desk was holding; `holds` say which
    letters hold others back."""

    groups: list[Group]
    holds: list[Hold] = []
    cut: list[str] = []
    busy: list[str] = []


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One letter. `body` is JSON where the letter's is, else text."""

    id: str
    queue: str
    origin: str
    type: str
    reason: str
    error: str
    fingerprint: str
    died_at: datetime | None
    edited_by: str
    edited_at: str
    attempts: int
    correlation_id: str
    causation_id: str
    sender: str
    first_published_ms: int
    headers: dict[str, str]
    body: Any


def shown(letter: Letter) -> Shown:
    message = letter.envelope
    return Shown(
        id=letter.id,
        queue=letter.queue,
        origin=letter.origin.name,
        type=message.type,
        reason=letter.reason,
        error=redacted_text(letter.error),
        fingerprint=letter.fingerprint,
        died_at=letter.died_at,
        edited_by=letter.edited_by,
        edited_at=letter.edited_at,
        attempts=message.attempt,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        sender=message.sender,
        first_published_ms=message.first_published_ms,
        headers=redacted(message.headers),
        body=body_of(letter),
    )


def grouped(letters: dict[str, Group], letter: Letter) -> None:
    """Counts `letter` with those of its fingerprint in `letters`."""
    group = letters.setdefault(
        letter.fingerprint,
        Group(
            queue=letter.queue,
            origin=letter.origin.name,
            fingerprint=letter.fingerprint,
            reason=letter.reason,
            error=blanked(redacted_text(letter.error)),
            example=letter.id,
        ),
    )
    group.add(letter)
