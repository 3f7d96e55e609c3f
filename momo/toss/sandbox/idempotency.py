"""The sandbox's memory of answers by Idempotency-Key: one in flight, the stored one replayed, forgotten in 15 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from momo.toss.model import IDEMPOTENCY_KEY_LIMIT
from momo.toss.sandbox.ledger import Refusal

KEPT = timedelta(days=15)


class Scope(NamedTuple):
    """Two requests are the same one when all of this is equal, whatever their bodies say."""

    key: str
    api_key: str
    url: str
    method: str


class Answer(msgspec.Struct, frozen=True):
    """An HTTP status and a JSON body."""

    status: int
    body: bytes


class _Slot(msgspec.Struct, frozen=True):
    opened_at: datetime
    answer: Answer | None


class Idempotency:
    """Call `begin`, and when it returns None, do the work and call `finish` or `release`."""

    def __init__(self) -> None:
        self._slots: dict[Scope, _Slot] = {}

    def begin(self, scope: Scope, now: datetime) -> Answer | None:
        """The stored answer, or None for a request that must be done now. Raises Refusal while one is in flight."""
        if len(scope.key) > IDEMPOTENCY_KEY_LIMIT:
            raise Refusal("INVALID_IDEMPOTENCY_KEY", f"{len(scope.key)} characters, at most {IDEMPOTENCY_KEY_LIMIT}")
        self._forget(now)
        slot = self._slots.get(scope)
        if slot is None:
            self._slots[scope] = _Slot(now, None)
            return None
        if slot.answer is None:
            raise Refusal("IDEMPOTENT_REQUEST_PROCESSING", "the first request with this key is being processed")
        return slot.answer

    def finish(self, scope: Scope, answer: Answer) -> None:
        """Keeps `answer` for whoever asks the same again."""
        self._slots[scope] = _Slot(self._slots[scope].opened_at, answer)

    def release(self, scope: Scope) -> None:
        """Forgets a request that came to no decision, so that the same key may try again."""
        self._slots.pop(scope, None)

    def _forget(self, now: datetime) -> None:
        # Slots are inserted in the order of their times, so the old ones stand first.
        while self._slots and now - self._slots[first := next(iter(self._slots))].opened_at > KEPT:
            del self._slots[first]
