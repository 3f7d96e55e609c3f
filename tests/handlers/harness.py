"""A service without its machine: decisions run on records in dicts, as a flush of one message would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, TypeVar, get_type_hints

from contracts.base import Message
from contracts.outcome import Problem
from momo.actors import Accepted, Context, Decision, Record, Refused, Timer
from momo.actors.state import KeyLoad, RowsLoad, loads_of

NOW = datetime(2030, 5, 1, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)

Kind = TypeVar("Kind", bound=Record)
Sent = TypeVar("Sent", bound=Message)


class Service:
    """The records, timers and sent messages of one service, and a clock that the test moves."""

    def __init__(self, *records: Record, now: datetime = NOW) -> None:
        self.now = now
        self.timers: dict[str, Timer] = {}
        self.sent: list[Message] = []
        self._rows: dict[type[Record], dict[tuple[Any, ...], Record]] = {}
        self._ids = count(1001)
        self.last_try = False
        for record in records:
            self.put(record)

    def handle(self, decide: Callable[..., Decision], command: Message) -> Decision:
        """Decides `command`, keeps what it changes, and returns the decision."""
        state, keys, rows = _loads(decide)
        found: dict[str, Any] = {
            load.name: self._many(load, command)
            if load.many
            else self._by(load.record, load.columns, [getattr(command, f) for f in load.fields])
            for load in keys
        }
        found |= {load.name: self._query(load, command) for load in rows}
        context = Context(now=self.now, next_id=lambda: next(self._ids), last_try=self.last_try)
        decision = decide(command, state(**found), context)
        for record in decision.drops:
            del self._rows[type(record)][key_of(record)]
        assert len({(type(record), key_of(record)) for record in decision.saves}) == len(decision.saves)
        for record in decision.saves:
            self.put(record)
        for key in decision.cancels:
            self.timers.pop(key, None)
        self.timers |= {timer.key: timer for timer in decision.timers}
        self.sent += decision.sends
        return decision

    def put(self, record: Record) -> None:
        self._rows.setdefault(type(record), {})[key_of(record)] = record

    def get(self, kind: type[Kind], *key: Any) -> Kind:
        found = self._rows[kind][key]
        assert isinstance(found, kind)
        return found

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [record for record in self._rows.get(kind, {}).values() if isinstance(record, kind)]

    def take_sent(self) -> list[Message]:
        """What was sent since the last call."""
        sent, self.sent = self.sent, []
        return sent

    def take_due(self) -> list[Message]:
        """The messages of the timers that are due now; their timers are gone."""
        due = [key for key, timer in self.timers.items() if timer.due <= self.now]
        return [self.timers.pop(key).message for key in due]

    def snapshot(self) -> dict[Any, Any]:
        return {kind: dict(rows) for kind, rows in self._rows.items()} | {"timers": dict(self.timers)}

    def _many(self, load: KeyLoad, command: Message) -> tuple[Record, ...]:
        found = [self._by(load.record, load.columns, list(values)) for values in load.values(command)]
        return tuple(record for record in found if record is not None)

    def _by(self, kind: type[Record], columns: tuple[str, ...], values: list[Any]) -> Record | None:
        found = [r for r in self.all(kind) if [getattr(r, column) for column in columns] == values]
        assert len(found) <= 1, f"{columns} is not unique in {kind.__name__}"
        return found[0] if found else None

    def _query(self, load: RowsLoad, command: Message) -> tuple[Record, ...]:
        wanted = {column: getattr(command, field) for column, field in load.rows.where.items()} | load.rows.equals
        found = [r for r in self.all(load.record) if all(getattr(r, c) == value for c, value in wanted.items())]
        return tuple(sorted(found, key=lambda r: getattr(r, load.rows.order))[: load.rows.limit])


@cache
def _loads(decide: Callable[..., Decision]) -> tuple[Any, tuple[KeyLoad, ...], tuple[RowsLoad, ...]]:
    state = get_type_hints(decide)["state"]
    return state, *loads_of(state)


def key_of(record: Record) -> tuple[Any, ...]:
    return tuple(getattr(record, column) for column in record.key)


def of(kind: type[Sent], messages: list[Message] | tuple[Message, ...]) -> list[Sent]:
    return [message for message in messages if isinstance(message, kind)]


def result(decision: Decision) -> Any:
    """What an accepted decision answers."""
    assert isinstance(decision.outcome, Accepted), decision.outcome
    return decision.outcome.result


def problem(decision: Decision) -> Problem:
    """Why a decision was refused; a refusal changes nothing."""
    assert isinstance(decision.outcome, Refused), decision.outcome
    assert decision == Decision(outcome=decision.outcome)
    return decision.outcome.problem
