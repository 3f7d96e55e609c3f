"""The inbox: which messages this service has handled, and how each ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from contracts.outcome import NO_RESULT, Outcome, Problem
from momo.actors.decision import Accepted, Decision, Refused
from momo.broker.delivery import Delivery
from momo.store.connection import Read, Rows
from momo.store.literal import literal, tuples

encode_outcome = msgspec.json.Encoder().encode
decode_outcome = msgspec.json.Decoder(Outcome).decode

MOST_ATTEMPT = 32_767
"""That a row can say; the header may say anything."""

MISMATCH = Outcome(
    state="refused",
    problem=Problem(
        type="idempotency-key-reused",
        title="This Idempotency-Key was used for another request",
        status=422,
        detail="Send the first request again to learn its outcome, or use a new key for this one.",
    ),
)


class Entry(msgspec.Struct, frozen=True):
    """What the inbox knows of a message. `failed` entries may be handled again, by a replay of the dead letter."""

    fingerprint: str
    outcome: Outcome

    def answer(self, delivery: Delivery) -> Outcome:
        """The outcome to tell the sender of `delivery`: the stored one, or that the key belongs to another request."""
        return MISMATCH if self._is_for_another(delivery) else self.outcome

    def settles(self, delivery: Delivery) -> bool:
        """Whether there is nothing left to decide of `delivery`: all but the replay of one that had failed."""
        return self.outcome.state != "failed" or self._is_for_another(delivery)

    def _is_for_another(self, delivery: Delivery) -> bool:
        return bool(self.fingerprint and delivery.fingerprint and self.fingerprint != delivery.fingerprint)


def lookup(message_ids: Iterable[bytes], into: dict[bytes, Entry]) -> Read:
    """Reads the entries of those messages that are known; they are added to `into`."""

    def take(rows: Rows) -> None:
        into.update({row[0]: Entry(row[1].hex() if row[1] else "", decode_outcome(row[2])) for row in rows})

    ids = ",".join(literal(message_id) for message_id in sorted(message_ids))
    return f"SELECT message_id, fingerprint, outcome FROM inbox WHERE message_id IN ({ids})", take


def row(delivery: Delivery, outcome: Outcome, now: datetime, sent: str | None) -> tuple[Any, ...]:
    """An inbox row, in the order of `write`. The database adds when it was committed, by its own clock."""
    return (
        delivery.message_id,
        bytes.fromhex(delivery.fingerprint) if delivery.fingerprint else None,
        delivery.sender,
        delivery.correlation_id,
        delivery.causation_id,
        delivery.queue.name,
        encode_outcome(outcome),
        now,
        delivery.first_published_ms,
        min(delivery.attempt, MOST_ATTEMPT),
        sent,
    )


_OVERWRITE = (
    " ON DUPLICATE KEY UPDATE outcome=VALUES(outcome),handled_at=VALUES(handled_at),published_ms=VALUES(published_ms),"
    "attempt=VALUES(attempt),sent=VALUES(sent),committed_at=CURRENT_TIMESTAMP(6)"
)


def write(rows: list[tuple[Any, ...]], *, known: bool) -> str:
    """Adds entries; a `known` one (it had failed) is overwritten. An entry that is there unexpectedly is an error:
    another process has handled the message meanwhile."""
    rows.sort()
    sql = (
        "INSERT INTO inbox (message_id,fingerprint,sender,correlation_id,causation_id,queue,outcome,handled_at,"
        "published_ms,attempt,sent) VALUES " + tuples(rows)
    )
    return sql + _OVERWRITE if known else sql


_DONE = Outcome(state="done", status=204)


def outcome_of(decision: Decision) -> Outcome:
    """The Outcome that a decision is stored and answered as."""
    match decision.outcome:
        case Refused(problem=problem):
            return Outcome(state="refused", status=problem.status, problem=problem)
        case Accepted(result=None, status=204):
            return _DONE
        case Accepted(result=result, status=status):
            return Outcome(state="done", status=status, result=NO_RESULT if result is None else _raw(result))


def failed(error: BaseException) -> Outcome:
    """The Outcome of a message that has become a dead letter."""
    return Outcome(
        state="failed",
        status=502,
        problem=Problem(
            type="command-failed",
            title="The command could not be carried out",
            status=502,
            detail=f"It is kept for the operators and may be tried again ({type(error).__name__}).",
        ),
    )


def _raw(result: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(encode_outcome(result))
