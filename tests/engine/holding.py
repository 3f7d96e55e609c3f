"""A worker of counters whose additions hold back, in a process of its own: `python -m tests.engine.holding [stall]`.

An addition that says `boom` raises. With `stall` nothing gets out of a queue that failed, as if the broker never
confirmed it.
"""

from __future__ import annotations

import asyncio
import sys

import pytest
from msgspec.structs import replace

from contracts.base import Message
from momo.broker.exits import Exits
from momo.settings import load
from momo.worker import Service, Worker
from tests.engine.counter import ADD, TOLD, UNDO, Fault, counters

HOLDING = replace(ADD, holds_back=True)
QUEUES = (HOLDING, UNDO, TOLD)


def boom(message: Message) -> None:
    """Fails what says so."""
    if getattr(message, "nickname", "") == "boom":
        raise ValueError("boom")


def holding(fault: Fault = boom) -> Service:
    """The counters, with additions that hold back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("momo.worker.queues_of", lambda _: QUEUES)
        return counters(fault)


async def main(*, stall: bool) -> None:
    async def stalled(*_: object) -> None:
        await asyncio.Event().wait()

    if stall:
        setattr(Exits, "_move", stalled)  # noqa: B010 - it is ours only here
    await Worker(load(), [holding()]).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(stall="stall" in sys.argv))
