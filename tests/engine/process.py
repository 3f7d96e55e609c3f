"""A worker of the counters in a process of its own: `python -m tests.engine.process [die WORD]`.

With `die` the process ends at once when it decides a message that says WORD.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from contracts.base import Message
from momo.settings import load
from momo.worker import Worker
from tests.engine.counter import calls, counters


async def main(word: str) -> None:
    def fault(message: Message) -> None:
        if word and getattr(message, "nickname", "") == word:
            os._exit(9)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Worker(load(), [counters(fault), calls()]).run(stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[2] if sys.argv[1:2] == ["die"] else ""))
