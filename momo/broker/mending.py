"""aio-pika's connection that mends itself, and is helped where its mending hangs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from aio_pika import RobustConnection

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PATIENT_LOOKS = 3
"""A connection that is closed at so many looks in a row mends itself no more: it would have begun after one second."""

_WANTED, _MEND, _MENDING = (
    f"_RobustConnection__{name}" for name in ("restore_event", "connection_factory", "reconnection_task")
)
"""What aio-pika keeps to itself: an event that says it is to connect, the task that does, and what that runs."""


class MendingConnection(RobustConnection):
    """Connects again whatever the library waits for.

    aio-pika 10.2 mends channels in the task that connects again. Where the connection ends meanwhile, closing the
    channel by which it looked for a queue waits for an answer that never comes, and with it the connection.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._helper: asyncio.Task[None] | None = None
        # asked for at once: a release that has no such thing is to fail at the start
        self._wanted: asyncio.Event = getattr(self, _WANTED)
        self._mend: Callable[[], Coroutine[Any, Any, None]] = getattr(self, _MEND)

    async def connect(self, timeout: Any = None) -> None:  # noqa: ASYNC109 - the library's
        await super().connect(timeout)
        if self._helper is None:
            self._helper = asyncio.create_task(self._help(), name="mending")

    async def close(self, exc: Any = asyncio.CancelledError) -> None:
        if self._helper is not None:
            self._helper.cancel()
            with suppress(asyncio.CancelledError):
                await self._helper
            self._helper = None
        await super().close(exc)

    async def _help(self) -> None:
        closed = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            # while it connects, it has no transport
            closed = closed + 1 if self.transport is not None and self.transport.connection.is_closed else 0
            if closed >= PATIENT_LOOKS:
                self._urge()
                closed = 0

    def _urge(self) -> None:
        mending: asyncio.Task[None] = getattr(self, _MENDING)
        if mending.done():
            log.warning("%s is closed, and nothing mends it any more: that is begun again", self)
            setattr(self, _MENDING, asyncio.create_task(self._mend()))
        if not self._wanted.is_set():
            log.warning("%s is closed, and nobody has asked for another", self)
            self._wanted.set()
        elif not mending.done():
            # asked for this long ago, it hangs in what it does
            log.warning("%s is closed, and what mends it hangs: it is interrupted", self)
            mending.cancel()
