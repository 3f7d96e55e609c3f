"""The course of an errand: batch after batch at its rate, and counted."""

from __future__ import annotations

import asyncio

import msgspec

from momo.broker.publisher import Publisher
from momo.dlq.errand import Batch, Errand
from momo.dlq.holding import Holding

BATCH = 100
"""Letters that share a write to the audit and one to the broker."""


class Result(msgspec.Struct, kw_only=True, rename="camel"):
    """What an act has done, or with `dry_run` would do: to how many letters of which queues, and their ids.

    `held` letters would have been replayed and stay, since one before them was not replayed, or was not decided.
    """

    act: str
    dry_run: bool = False
    letters: int = 0
    queues: dict[str, int] = {}
    ids: list[str] = []
    held: int = 0


class Course:
    """Carries out `errand` with `publisher`, at most `rate` letters a second, and counts in `result`; a dry run does
    nothing else."""

    def __init__(self, errand: Errand, publisher: Publisher, rate: float | None, result: Result) -> None:
        self.size = BATCH if rate is None else max(1, min(BATCH, int(rate // 10)))
        """The most letters that a batch should have."""
        self.result = result
        self._errand = errand
        self._publisher = publisher
        self._rate = rate
        self._due = 0.0

    async def carry(self, batch: Batch, held: Holding, database: str) -> None:
        """Does it to `batch`, letters of one queue. Raises as `Errand.run`."""
        if not self.result.dry_run:
            await self._paced(len(batch))
            await self._errand.run(batch, held, self._publisher, database)
        origin = batch[0][0].origin.name
        self.result.letters += len(batch)
        self.result.ids += [letter.id for letter, _ in batch]
        self.result.queues[origin] = self.result.queues.get(origin, 0) + len(batch)

    async def _paced(self, count: int) -> None:
        """Waits until `count` more may go."""
        if self._rate is not None:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._due - loop.time())
            self._due = max(self._due, loop.time()) + count / self._rate
