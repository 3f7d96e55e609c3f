"""`python -m tests.telemetry.talker`: a process that logs in every way that one of MOMO's may."""

from __future__ import annotations

import logging
import warnings

import structlog

from momo import settings
from momo.telemetry import lines, logs
from momo.telemetry.lines import Handled

SECRET = "canary-in-a-frame"


def mistaken(password: str) -> None:
    raise ValueError(f"{len(password)} characters are too few")


def talk() -> None:
    lines.lines = logs.configure(settings.load())
    logging.getLogger("library").info("said %s by a %s", "this", "library", extra={"ignored": 1})
    logging.getLogger("library").debug("too quiet")
    logging.getLogger("aiormq.connection").warning("nobody wants to know")
    structlog.get_logger("ours").warning("queue is late", queue="q", seconds=3)
    try:
        mistaken(SECRET)
    except ValueError:
        logging.getLogger("library").exception("half of a pair: \ud800\nand a line")
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    line = Handled(
        timestamp="2030-01-01T00:00:00Z", queue="meeting.join.queue", message_id="m", correlation_id="\ud800",
        causation_id="", attempt=1, outcome="done", waiting_ms=3, processing_ms=1.5,
    )  # fmt: skip
    lines.lines.write([line, line])


if __name__ == "__main__":
    talk()
