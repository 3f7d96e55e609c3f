"""Handlers: a queue with the decision that answers it, ready to be run by a lane."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec

from contracts.topology import Queue
from momo.actors.decision import Decide
from momo.actors.state import KeyLoad, RowsLoad, State, loads_of


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """What a lane needs to know of a decision. `actor` is the field whose value keeps messages in order."""

    queue: Queue
    decide: Decide
    actor: str
    state: type[State]
    keys: tuple[KeyLoad, ...]
    rows: tuple[RowsLoad, ...]

    def weight_of(self, command: Any) -> int:
        """How many messages this one counts for in a flush: as many as it loads keys."""
        return max((len(load.values(command)) for load in self.keys if load.many), default=1) or 1

    def actor_of(self, command: Any) -> tuple[str, Any]:
        """The actor that a message is for: the same for every queue that names the field alike."""
        return self.actor, getattr(command, self.actor)


def handler(queue: Queue, decide: Decide, *, actor: str) -> Handler:
    """A Handler, its loads taken from `decide`'s annotation of `state`. Raises TypeError where they do not fit."""
    hints = get_type_hints(decide)
    state = hints.get("state")
    if not (isinstance(state, type) and issubclass(state, State)):
        raise TypeError(f"{decide.__module__}.decide must annotate `state` with a State, not {state!r}")
    if hints.get("command") is not queue.contract:
        raise TypeError(
            f"{decide.__module__}.decide takes {hints.get('command')}, but {queue.name} carries {queue.contract}"
        )
    fields = {field.name for field in msgspec.structs.fields(queue.contract)}
    keys, rows = loads_of(state)
    named = {actor} | {f for load in keys for f in load.fields} | {f for load in rows for f in load.rows.where.values()}
    if missing := named - fields:
        raise TypeError(
            f"{queue.contract.__name__} has no {sorted(missing)}, which {decide.__module__} reads its state by"
        )
    return Handler(queue=queue, decide=decide, actor=actor, state=state, keys=keys, rows=rows)
