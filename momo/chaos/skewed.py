"""`python -m momo.chaos.skewed SECONDS MODULE WORDS…`: runs a module with a clock that is SECONDS fast."""

from __future__ import annotations

import runpy
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo

import momo.actors.flush
import momo.relay


def skew(seconds: float) -> None:
    """Whatever asks for the time of day from now on is told one that is `seconds` later."""
    true_time, true_time_ns = time.time, time.time_ns

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = UTC) -> datetime:  # type: ignore[override]  # what is read is a plain datetime
            return datetime.now(tz) + timedelta(seconds=seconds)

    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + int(seconds * 1_000_000_000)
    for module in (momo.actors.flush, momo.relay):
        module.datetime = Clock  # type: ignore[attr-defined]


if __name__ == "__main__":
    _, shift, program, *words = sys.argv
    skew(float(shift))
    sys.argv = [program, *words]
    runpy.run_module(program, run_name="__main__", alter_sys=True)
