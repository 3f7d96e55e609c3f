"""A choice of letters: one by its id, or those of a queue, an error, a message type, an age."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from contracts.topology import Queue
from momo.dlq.errors import Unfit
from momo.dlq.letter import Letter

_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Letters for which all that is given holds. `queue` names the queue or its dead-letter queue, `type` the routing
    key of the message. A letter that does not say when it died has no age."""

    id: str | None = None
    queue: str | None = None
    fingerprint: str | None = None
    type: str | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None

    @property
    def empty(self) -> bool:
        return self == Choice()

    def queues(self, queues: Sequence[Queue]) -> list[Queue]:
        """Those of `queues` that may hold such letters. Raises Unfit where none is called so."""
        if self.queue is None:
            return list(queues)
        found = [queue for queue in queues if self.queue in (queue.name, queue.dead_letter_queue)]
        if not found:
            raise Unfit(f"no queue is called {self.queue!r}; `momo topology show` lists them")
        return found

    def takes(self, letter: Letter, now: datetime) -> bool:
        died_at = letter.died_at
        return (
            self.id in (None, letter.id)
            and self.fingerprint in (None, letter.fingerprint)
            and self.type in (None, letter.envelope.type)
            and (self.older_than is None or (died_at is not None and now - died_at > self.older_than))
            and (self.newer_than is None or (died_at is not None and now - died_at < self.newer_than))
        )


def span(text: str) -> timedelta:
    """`90s`, `15m`, `2h` or `7d`. Raises ValueError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time span: write 90s, 15m, 2h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
