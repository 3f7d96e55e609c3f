"""The stream of a process' log lines: written by a thread, so that a slow reader of them never holds the event loop."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from queue import Empty, SimpleQueue

from momo.telemetry import metrics

MOST_BYTES = 16 * 1024 * 1024
"""Of lines that nobody has read yet; what comes then is dropped and counted."""
GATHER_SECONDS = 0.02
"""What comes within this time is one write: to wake the thread for each would cost more than the lines."""


class Stream:
    """Writes to the file descriptor `descriptor`, in order and soon. Whole lines are given, so they stay whole."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._given: SimpleQueue[bytes | threading.Event] = SimpleQueue()
        self._bytes_given = 0
        self._bytes_done = 0
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def write(self, lines: bytes) -> None:
        """Returns at once."""
        # what is done is counted by the other thread, and read here a little late at worst
        if self._bytes_given - self._bytes_done > MOST_BYTES:
            metrics.LOG_DROPPED.inc(len(lines))
            return
        self._bytes_given += len(lines)
        self._given.put(lines)

    def flush(self, seconds: float) -> None:
        """Waits until what was given is written, but no longer than `seconds`: its reader may hang."""
        written = threading.Event()
        self._given.put(written)
        written.wait(seconds)

    def _run(self) -> None:
        while True:
            found = [self._given.get()]
            with contextlib.suppress(Empty):
                while True:
                    found.append(self._given.get_nowait())
            text = b"".join([lines for lines in found if isinstance(lines, bytes)])
            with contextlib.suppress(OSError):  # its reader is gone: nobody is left to be told
                self._write(text)
            self._bytes_done += len(text)
            for written in found:
                if isinstance(written, threading.Event):
                    written.set()
            time.sleep(GATHER_SECONDS)

    def _write(self, lines: bytes) -> None:
        left = memoryview(lines)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # whoever shares the descriptor has set it so
                select.select([], [self._descriptor], [], 1.0)
