"""The flush: many messages decided in memory and committed in one transaction."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from contracts.outcome import Outcome
from contracts.topology import Queue
from momo.actors import attempts, inbox, outbox
from momo.actors.book import Book, Index
from momo.actors.decision import Context, Decision, Timer
from momo.actors.handler import Handler
from momo.actors.holds import Holds
from momo.actors.record import Record, Values
from momo.actors.sent import sent
from momo.actors.state import RowsLoad
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope
from momo.broker.failures import HeldBack, is_final
from momo.store.connection import Connection, Read
from momo.store.errors import StoreUnavailable
from momo.store.ids import Ids, IdsExhausted

IDS_A_MESSAGE = 2


class Failure(msgspec.Struct, frozen=True):
    """A message whose decision raised; the others of its flush are not touched by it."""

    delivery: Delivery
    error: Exception


class Flushed(msgspec.Struct, kw_only=True):
    """What a flush has committed, and what is left to do outside the transaction.

    `failures` leave the queue; `again` are those of a queue that holds back, which stay where they are for their next
    attempt, and `behind` the later ones of their actors.
    """

    outcomes: list[tuple[Delivery, Outcome]]
    repeated: int
    failures: list[Failure]
    again: list[Failure]
    behind: list[Delivery]
    envelopes: list[Envelope]
    outbox_ids: list[bytes]


class Flush:
    """One attempt to commit `deliveries`, all of different actors where their states are queried (see `Rows`).

    Outbox entries that are `published` are deleted along the way. With `broken` nothing is decided: a message that
    can't be committed fails with that error, as it would if its decision had raised it."""

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        handlers: Mapping[Queue, Handler],
        ids: Ids,
        published: Sequence[bytes] = (),
        broken: Exception | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._handlers = handlers
        self._ids = ids
        self._published = published
        self._broken = broken
        self._now = datetime.now(UTC)
        ordered = [delivery for delivery in deliveries if delivery.queue.holds_back]
        self._holds = Holds(ordered, self._now) if ordered else None
        self._book = Book()
        self._known: dict[bytes, inbox.Entry] = {}
        self._rows: dict[Delivery, list[tuple[RowsLoad, list[Record]]]] = {}
        self._entries: list[tuple[Any, ...]] = []
        self._overwritten: list[tuple[Any, ...]] = []
        self._failed: list[attempts.Row] = []
        self._timers: dict[str, tuple[Delivery, Timer]] = {}
        self._cancelled: set[str] = set()
        self._done = Flushed(outcomes=[], repeated=0, failures=[], again=[], behind=[], envelopes=[], outbox_ids=[])

    async def run(self, connection: Connection) -> Flushed:
        """Reads, decides, writes and commits. Raises StoreError; then nothing is committed."""
        await self._ids.ensure(IDS_A_MESSAGE * len(self._deliveries), connection)
        try:
            await self._read(connection)
            for delivery in self._deliveries:
                self._handle(delivery)
            await connection.script(list(self._writes()))
        except IdsExhausted:
            await connection.rollback()
            await self._ids.ensure(self._ids.left + 1_000, connection)
            return await Flush(self._deliveries, self._handlers, self._ids, self._published).run(connection)
        except StoreUnavailable:
            raise
        except BaseException:
            if not connection.closed:
                await connection.rollback()
            raise
        return self._done

    async def _read(self, connection: Connection) -> None:
        reads = list(self._loads()) if self._broken is None else []
        if self._holds is not None:
            reads += self._holds.reads()
        # after the locks: a process that held them has committed its inbox entries with its changes
        reads.append(inbox.lookup({delivery.message_id for delivery in self._deliveries}, self._known))
        await connection.read(reads)

    def _loads(self) -> Iterator[Read]:
        wanted: dict[Index, set[Values]] = {}
        for delivery in self._deliveries:
            for load in self._handlers[delivery.queue].keys:
                wanted.setdefault((load.record, load.columns), set()).update(load.values(delivery.command))
        yield from self._book.locks(wanted)
        for delivery in self._deliveries:
            for query in self._handlers[delivery.queue].rows:
                found: list[Record] = []
                self._rows.setdefault(delivery, []).append((query, found))
                yield self._book.query(query, delivery.command, found)

    def _handle(self, delivery: Delivery) -> None:
        entry = self._known.get(delivery.message_id)
        if entry is not None and entry.settles(delivery):
            self._done.repeated += 1
            self._done.outcomes.append((delivery, entry.answer(delivery)))
            return
        holds = self._holds if delivery.queue.holds_back else None
        if holds is not None and holds.waits(delivery):
            self._done.behind.append(delivery)
            return
        try:
            decision = self._decide(delivery, holds)
            outcome = inbox.outcome_of(decision)
            envelopes = outbox.sent_by(delivery, decision.sends)
        except IdsExhausted:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a decision raises fails its own message, and no other
            if not self._dies(delivery, error, holds):
                return
            outcome = inbox.failed(error)
            sends = None
        else:
            self._apply(delivery, decision)
            if holds is not None:
                holds.decided(delivery)
            self._done.envelopes += envelopes
            sends = sent(envelopes, decision.timers)
        self._done.outcomes.append((delivery, outcome))
        rows = self._entries if entry is None else self._overwritten
        rows.append(inbox.row(delivery, outcome, self._now, sends))
        self._known[delivery.message_id] = inbox.Entry(delivery.fingerprint, outcome)

    def _dies(self, delivery: Delivery, error: Exception, holds: Holds | None) -> bool:
        """Notes that a message was not decided because of `error`; whether it becomes a dead letter."""
        final = is_final(delivery, error)
        self._failed.append(attempts.failed(delivery, self._now, error))
        if holds is None or final:
            self._done.failures.append(Failure(delivery, error))
        else:
            self._done.again.append(Failure(delivery, error))
            holds.tried(delivery)
        if holds is not None and final:
            (holds.held if isinstance(error, HeldBack) else holds.died)(delivery)
        return final

    def _decide(self, delivery: Delivery, holds: Holds | None) -> Decision:
        if holds is not None and (holder := holds.holder(delivery)) is not None:
            raise HeldBack(holder)
        if self._broken is not None:
            raise self._broken
        handler, command = self._handlers[delivery.queue], delivery.command
        found: dict[str, Any] = {load.name: self._book.loaded(load, command) for load in handler.keys}
        found.update(
            {load.name: self._book.current(load, command, rows) for load, rows in self._rows.get(delivery, [])}
        )
        context = Context(
            now=self._now,
            next_id=self._ids.take,
            last_try=delivery.attempt >= delivery.queue.attempts,
            sender=delivery.sender,
        )
        return handler.decide(command, handler.state(**found), context)

    def _apply(self, delivery: Delivery, decision: Decision) -> None:
        for record in decision.drops:
            self._book.drop(record)
        for record in decision.saves:
            self._book.save(record)
        for key in decision.cancels:
            self._cancelled.add(key)
            self._timers.pop(key, None)
        for timer in decision.timers:
            self._cancelled.discard(timer.key)
            self._timers[timer.key] = (delivery, timer)

    def _writes(self) -> Iterator[str]:
        yield from self._book.statements()
        if self._cancelled:
            yield outbox.unschedule(list(self._cancelled))
        if self._timers:
            yield outbox.schedule(list(self._timers.values()))
        for part in outbox.parts(self._done.envelopes):
            outbox_id = os.urandom(16)
            yield outbox.write(outbox_id, part, self._now)
            self._done.outbox_ids.append(outbox_id)
        if self._entries:
            yield inbox.write(self._entries, known=False)
        if self._overwritten:
            yield inbox.write(self._overwritten, known=True)
        if self._holds is not None:
            yield from self._holds.statements()
        if self._failed:
            yield attempts.write(self._failed)
        if self._published:
            yield outbox.delete(self._published)
        yield "COMMIT"
