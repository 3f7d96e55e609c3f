"""An errand: one act, carried out on a few letters at a time, between the two halves of its audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from momo.broker.envelope import Envelope
from momo.broker.publisher import Publisher, PublishError
from momo.dlq import acts
from momo.dlq.body import changed
from momo.dlq.holding import Holding
from momo.dlq.letter import Letter
from momo.dlq.turns import give_up
from momo.store.connection import connected

Batch = list[tuple[Letter, int]]
"""Letters of one queue, each with the tag by which it is held."""


class Errand:
    """`act`, done by the operator `by`: each letter is sent on as what `move` makes of it, or dropped without one."""

    def __init__(
        self, act: acts.Kind, by: str, move: Callable[[Letter], Envelope] | None = None, *, reason: str = ""
    ) -> None:
        self.act = act
        self._by = by
        self._move = move
        self._reason = reason

    async def run(self, batch: Batch, held: Holding, publisher: Publisher, database: str) -> None:
        """Carries it out; at any moment a letter that is sent on is here, at its destination, or in both.

        Raises PublishError, StoreError and what aiormq raises. Acts that did not come to their end are still `begun`.
        """
        letters = [letter for letter, _ in batch]
        moved = [self._move(letter) for letter in letters] if self._move else []
        async with connected(database) as audit:
            ids = [letter.id for letter in letters]
            begun = await acts.begin(audit, self.act, letters[0].origin, ids, by=self._by, reason=self._reason)
            try:
                await publisher.publish(moved)
            except PublishError as error:
                await acts.end(audit, begun, "failed", [f"the letter is still there: {error}"] * len(begun))
                raise
            if self.act == "drop" and letters[0].origin.holds_back:
                # before they are gone: nothing may wait for a letter that nobody has
                await give_up(database, letters[0].origin, ids)
            await held.settle([tag for _, tag in batch])
            await acts.end(audit, begun, "done", self._results(letters, moved))

    def _results(self, letters: Sequence[Letter], moved: Sequence[Envelope]) -> Sequence[str]:
        if self.act == "edit":
            return [f"changed: {changed(letter, sent.body)}" for letter, sent in zip(letters, moved, strict=True)]
        return [f"sent to {letter.origin.name}" if moved else "taken away" for letter in letters]
