"""The oldest letter of each dead-letter queue: looked at where it lies, since letters leave in any order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiormq.exceptions import AMQPError, ChannelLockedResource
from pamqp.commands import Basic

from contracts.topology import Queue
from momo.broker.address import connect, connection_url
from momo.dlq.holding import lock_of
from momo.dlq.letter import read
from momo.lag.depths import Depth

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0
"""A head is looked at again so often: it may have left while others came."""
PATIENCE_SECONDS = 1.0
"""How long a look waits for the heads; after that they are told at a later one."""
_BROKEN = (AMQPError, OSError, TimeoutError, RuntimeError)


class Heads:
    """Of the dead-letter queues of `queues`. A letter that is looked at goes back to its place, which its queue's
    delivery limit allows a thousand million times."""

    def __init__(self, url: str, queues: Sequence[Queue]) -> None:
        self.died_at: dict[str, float] = {}
        """By dead-letter queue, when its oldest letter died (Unix time), where that is known."""
        self._url = connection_url(url, "momo-lag heads")
        self._queues = {queue.dead_letter_queue: queue for queue in queues}
        self._seen: dict[str, tuple[int, float]] = {}
        self._task: asyncio.Task[None] | None = None

    async def look(self, depths: Mapping[str, Depth]) -> None:
        """Looks at the heads that may have changed, given how many letters there are now."""
        for name in self._queues:
            depth = depths.get(name)
            if depth is not None and not depth.ready and not depth.consumers:
                self._seen.pop(name, None)
                self.died_at.pop(name, None)
        if self._task is None or self._task.done():
            changed = [name for name in self._queues if name in depths and self._may_have_changed(name, depths[name])]
            if not changed:
                return
            self._task = asyncio.create_task(self._find(changed, depths), name="heads")
        await asyncio.wait({self._task}, timeout=PATIENCE_SECONDS)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _may_have_changed(self, name: str, depth: Depth) -> bool:
        if not depth.ready:
            return False
        before, at = self._seen.get(name, (0, 0.0))
        self._seen[name] = depth.ready, at
        return depth.ready < before or time.monotonic() - at > AGAIN_SECONDS

    async def _find(self, names: Sequence[str], depths: Mapping[str, Depth]) -> None:
        try:
            connection = await connect(self._url)
        except _BROKEN as error:
            log.info("the oldest dead letters can't be looked at: %s", error)
            return
        try:
            for name in names:
                try:
                    await self._peek(connection, name)
                except ChannelLockedResource:
                    log.debug("%s is in the hands of a desk", name)
                    continue
                except _BROKEN as error:
                    log.info("the oldest letter of %s can't be looked at: %s", name, error)
                self._seen[name] = depths[name].ready, time.monotonic()
        finally:
            await connection.close()

    async def _peek(self, connection: Any, name: str) -> None:
        """Under the desk's lock: it must not miss a letter that is looked at here."""
        lock = lock_of(self._queues[name])
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.queue_declare(lock, exclusive=True, timeout=5)
            message = await channel.basic_get(name, timeout=5)
            if not isinstance(message.delivery, Basic.GetEmpty):
                died_at = read(self._queues[name], message).died_at
                await channel.basic_nack(message.delivery.delivery_tag, requeue=True)
                if died_at is None:
                    self.died_at.pop(name, None)
                else:
                    self.died_at[name] = died_at.timestamp()
            await channel.queue_delete(lock, timeout=5)
        finally:
            if not channel.is_closed:
                await channel.close()
