"""The journal: writes the attempts that no flush does, in bulk and apart from the work; a story's gaps cost nobody."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from momo.actors import attempts
from momo.store.connection import Connection
from momo.store.errors import StoreContention, StoreError, StoreUnavailable

log = logging.getLogger(__name__)

BATCH = 1_000
KEPT = 20_000
"""Rows held while the database is away; of more, some are forgotten."""
PAUSE = 1.0


class Journal:
    """Takes rows at any time and writes them while `run` does: one write at a time, what comes meanwhile gathers.

    Nothing waits for it, so a process that is killed leaves the last few unwritten.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rows: deque[attempts.Row] = deque(maxlen=KEPT)
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def note(self, row: attempts.Row) -> None:
        self._rows.append(row)
        self._idle.clear()
        self._awake.set()

    async def drained(self) -> None:
        """Waits until everything that was noted is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Writes until cancelled."""
        connection: Connection | None = None
        try:
            while True:
                self._awake.clear()
                if not self._rows:
                    self._idle.set()
                    await self._awake.wait()
                    continue
                batch = [self._rows.popleft() for _ in range(min(BATCH, len(self._rows)))]
                try:
                    if connection is None or connection.closed:
                        connection = await Connection.open(self._url, autocommit=True)
                    await connection.change(attempts.write(batch))
                except (StoreUnavailable, StoreContention) as error:
                    log.warning("%d attempts wait for their database: %s", len(batch), error)
                    self._rows.extendleft(reversed(batch))
                    await asyncio.sleep(PAUSE)
                except StoreError as error:
                    log.warning("%d attempts are not written down: %s", len(batch), error)
        finally:
            if connection is not None:
                connection.close()
