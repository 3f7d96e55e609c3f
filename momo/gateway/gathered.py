"""Calls that are made together: while one flush is under way the next ones gather, and go as one; no timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST = 500
"""The most items of one flush."""


class Gathered(Generic[Item, Answer]):
    """`flush` takes some items and gives an answer for each, in their order; an exception among the answers is raised
    to its own caller, and one that `flush` raises to all callers of that flush."""

    def __init__(self, flush: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]]) -> None:
        self._flush = flush
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Answer:
        """The answer for `item`. Raises what `flush` says."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                _tell(taken, await self._answers([item for item, _ in taken]))
        finally:
            self._flushing = None

    async def _answers(self, items: Sequence[Item]) -> Sequence[Answer | Exception]:
        try:
            return await self._flush(items)
        except Exception as error:  # noqa: BLE001 - it is raised to those who asked
            return [error] * len(items)


def _tell(taken: Sequence[tuple[Item, asyncio.Future[Answer]]], answers: Sequence[Answer | Exception]) -> None:
    for (_, future), answer in zip(taken, answers, strict=True):
        if future.done():
            continue  # who asked is gone
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
