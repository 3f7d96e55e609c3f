"""A worker of the counters that hangs: `python -m tests.engine.hanging WORD` decides for ever on what says WORD."""

from __future__ import annotations

import asyncio
import sys

from contracts.base import Message
from momo.settings import load
from momo.telemetry.watchdog import watched
from momo.worker import Worker
from tests.engine.counter import calls, counters

PATIENCE = 1.0


async def main(word: str) -> None:
    def fault(message: Message) -> None:
        while getattr(message, "nickname", "") == word:
            """The loop stands still with it."""

    async with watched(PATIENCE):
        await Worker(load(), [counters(fault), calls()]).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
