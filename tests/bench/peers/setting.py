"""The peers and the settings each is tried with: processes, and messages in hand per process."""

from __future__ import annotations

import msgspec


class Setting(msgspec.Struct, frozen=True):
    processes: int
    concurrency: int

    def __str__(self) -> str:
        return f"{self.processes} process{'es' * (self.processes > 1)} of {self.concurrency}"


LIMIT = "handwritten"
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "faststream": (Setting(1, 16), Setting(2, 8), Setting(2, 16)),
    # prefork: a process has one message in hand
    "celery": (Setting(1, 1), Setting(2, 1), Setting(4, 1)),
    "dramatiq": (Setting(1, 8), Setting(2, 8), Setting(2, 16)),
    "taskiq": (Setting(1, 16), Setting(2, 16), Setting(2, 32)),
    # one process, as the one worker process that is compared with it; its concurrency is its lanes
    LIMIT: (Setting(1, 1), Setting(1, 2)),
}
LIMIT_MESSAGES = 8
"""The limit gets as many times the messages, so that it, too, runs for seconds."""
CONTENDER = 0.75
"""A setting whose first rate is at least this part of the best one's is tried again."""
