"""Letters: what lies in a dead-letter queue, read as whose it was, why it died, and what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiormq.abc import DeliveredMessage
from msgspec.structs import replace

from contracts.topology import Queue
from momo.broker.delivery import text_of, version_of
from momo.broker.envelope import ATTEMPT, CAUSATION, DUE, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, Envelope
from momo.broker.failures import DIED, ERROR, ORIGIN, REASON
from momo.broker.identity import business_id
from momo.dlq.fingerprint import fingerprint

EDITED_BY = "x-edited-by"
EDITED_AT = "x-edited-at"
BROKER_DEATHS = "x-death"
COUNTS = ("x-delivery-count", "x-acquired-count")
"""What looking at a letter changes."""
EXPLAINED = {"delivery-limit": "Unsettled: the process that had it died, or hung and was ended, at each delivery"}
"""Of deaths that the broker decides on: it gives a word and no error."""
_FINGERPRINT = re.compile("[0-9a-fA-F]{32}")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter. `id` is its message id, or where it has none one that is derived from it and stays.

    `envelope` is the message as it was sent to its queue, `origin`; `reason` is a word, `error` a text that begins with
    the exception's type; `fingerprint` is the same for letters that died of the same.
    """

    id: str
    origin: Queue
    reason: str
    error: str
    fingerprint: str
    died_at: datetime | None
    edited_by: str
    edited_at: str
    envelope: Envelope

    @property
    def queue(self) -> str:
        """The dead-letter queue that it lies in."""
        return self.origin.dead_letter_queue

    def replayed(self) -> Envelope:
        """The message for its queue, and for no other subscriber's: as if for the first time."""
        due = {DUE: str(time.time_ns() // 1_000_000)}
        return replace(self.envelope, attempt=1, headers={**self.envelope.headers, **due})

    def edited(self, body: bytes, by: str) -> Envelope:
        """The letter for its place in the dead-letter queue with another body, which its queue's contract takes."""
        died_at = {DIED: self.died_at.isoformat()} if self.died_at else {}
        death = {REASON: self.reason, ERROR: self.error, ORIGIN: self.origin.name, **died_at}
        edited = {EDITED_BY: by, EDITED_AT: datetime.now(UTC).isoformat()}
        # one that is malformed is what some letters died of
        kept = self.envelope.fingerprint if _FINGERPRINT.fullmatch(self.envelope.fingerprint) else ""
        return replace(
            self.envelope,
            routing_key=self.queue,
            body=body,
            type=self.origin.key,
            fingerprint=kept,
            headers={**self.envelope.headers, **death, **edited},
        )


def read(origin: Queue, message: DeliveredMessage) -> Letter:
    """The letter that `message`, taken from the dead-letter queue of `origin`, is.

    Its origin is told by where it lies, since headers may be anybody's.
    """
    properties = message.header.properties
    headers: Mapping[str, Any] = properties.headers or {}
    reason, error, died_at = _by_broker(headers, origin.name) or _by_worker(headers)
    message_id = properties.message_id or _derived(origin, message)
    sent = properties.timestamp
    return Letter(
        id=message_id,
        origin=origin,
        reason=reason,
        error=error,
        fingerprint=fingerprint(reason, error),
        died_at=died_at,
        edited_by=text_of(headers, EDITED_BY),
        edited_at=text_of(headers, EDITED_AT),
        envelope=Envelope(
            exchange="",
            routing_key=origin.name,
            body=message.body,
            type=properties.message_type or "",
            message_id=message_id,
            correlation_id=properties.correlation_id or message_id,
            causation_id=text_of(headers, CAUSATION),
            sender=text_of(headers, SENDER),
            fingerprint=text_of(headers, FINGERPRINT),
            reply_to=properties.reply_to or "",
            attempt=_number(headers, ATTEMPT) or 1,
            first_published_ms=_number(headers, FIRST_PUBLISHED) or (int(sent.timestamp() * 1000) if sent else 0),
            traceparent=text_of(headers, TRACEPARENT),
            app_id=properties.app_id or "",
            headers=dict(_foreign(headers)),
            version=version_of(headers),
        ),
    )


_Death = tuple[str, str, datetime | None]


def _by_broker(headers: Mapping[str, Any], queue: str) -> _Death | None:
    """How the broker took the message out of `queue`; that it waited on the delay ladder is there as well."""
    deaths = headers.get(BROKER_DEATHS)
    for death in deaths if isinstance(deaths, list) else ():
        if isinstance(death, dict) and death.get("queue") == queue:
            reason = str(death.get("reason", "unknown")).replace("_", "-")
            time = death.get("time")
            return reason, EXPLAINED.get(reason, ""), time if isinstance(time, datetime) else None
    return None


def _by_worker(headers: Mapping[str, Any]) -> _Death:
    try:
        died_at = datetime.fromisoformat(text_of(headers, DIED))
    except ValueError:
        died_at = None
    aware = died_at if died_at and died_at.tzinfo else None
    return text_of(headers, REASON) or "unknown", text_of(headers, ERROR), aware


def _foreign(headers: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Another producer's headers, such as Spring's `__TypeId__`; ours have their places in the envelope."""
    for name, value in headers.items():
        if not name.startswith("x-") and name != TRACEPARENT and value is not None:
            yield name, value if isinstance(value, str) else str(value)


def _derived(origin: Queue, message: DeliveredMessage) -> str:
    properties = message.header.properties
    headers = sorted((name, repr(value)) for name, value in (properties.headers or {}).items() if name not in COUNTS)
    said = (message.body, properties.message_type, properties.correlation_id, repr(properties.timestamp), headers)
    return business_id(origin.dead_letter_queue, said)


def _number(headers: Mapping[str, Any], name: str) -> int:
    value = headers.get(name)
    return value if isinstance(value, int) and value > 0 else 0
