"""The live feed: one look a second for all who watch in this process, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.console.letters import DeadLetters
from momo.console.problems import Trouble, problems
from momo.lag.observer import Observer
from momo.lag.snapshot import Snapshot
from momo.pauses import Paused, paused
from momo.settings import Settings

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LINGER_SECONDS = 60.0
"""So long is looked on after the last watcher has gone: who reloads the page finds its history."""
KEPT = 300
"""Looks that are remembered: five minutes."""


class Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What watchers get each second. `paused` is None while Redis can't be asked."""

    snapshot: Snapshot
    paused: list[Paused] | None
    problems: list[Trouble]


class History(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By queue, the depths at the last looks, the oldest first; queues that were empty all the time are left out."""

    depths: dict[str, list[int]]


_encode = msgspec.json.Encoder().encode


class Feed:
    """`watch` is all there is to do: the observer starts with the first watcher."""

    def __init__(self, settings: Settings, redis: Redis, letters: DeadLetters) -> None:
        self._settings = settings
        self._redis = redis
        self._letters = letters
        self._frame: Frame | None = None
        self._encoded = b""
        self._depths: deque[dict[str, int]] = deque(maxlen=KEPT)
        self._next = asyncio.Event()
        self._watchers = 0
        self._left = 0.0
        self._task: asyncio.Task[None] | None = None
        self._draining = False

    async def watch(self, until: float) -> AsyncIterator[bytes]:
        """Server-sent events until the Unix time `until`, when the watcher has to show a pass again: `history` once,
        then a `frame` for each look."""
        self._watchers += 1
        try:
            yield b"retry: 1000\n\n"
            if self._depths:
                yield event("history", _encode(self.history))
            while not self._draining and time.time() < until:
                if self._task is None:
                    self._task = asyncio.create_task(self._look(), name="console feed")
                if self._frame is not None:
                    yield event("frame", self._encoded)
                with suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        await self._next.wait()
        finally:
            self._watchers -= 1
            self._left = time.monotonic()

    @property
    def history(self) -> History:
        names = {name for depths in self._depths for name, depth in depths.items() if depth}
        return History(depths={name: [depths.get(name, 0) for depths in self._depths] for name in sorted(names)})

    @property
    def frame(self) -> Frame | None:
        """The last look, as long as somebody watches."""
        return self._frame

    def drain(self) -> None:
        """Watchers go elsewhere: each stream ends now."""
        self._draining = True
        self._next.set()

    async def stop(self) -> None:
        self.drain()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        observer = Observer(self._settings)
        await observer.start()
        try:
            while self._watchers or time.monotonic() - self._left < LINGER_SECONDS:
                self._keep(await observer.look(), await self._paused())
                await asyncio.sleep(EVERY_SECONDS)
        except Exception:
            logger.exception("the console's feed has ended; the next watcher starts it again")
        finally:
            self._task = None
            self._frame = None
            self._depths.clear()
            await observer.stop()

    def _keep(self, snapshot: Snapshot, stopped: list[Paused] | None) -> None:
        snapshot = self._whole(snapshot)
        self._frame = Frame(snapshot=snapshot, paused=stopped, problems=problems(snapshot, stopped))
        self._encoded = _encode(self._frame)
        self._depths.append({queue.name: queue.messages for queue in snapshot.queues})
        waiting, self._next = self._next, asyncio.Event()
        waiting.set()

    def _whole(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot` with the queue that this process is reading as it was before: its letters are not gone."""
        reading = self._letters.reading
        if reading is None or self._frame is None:
            return snapshot
        before = {queue.name: queue for queue in self._frame.snapshot.queues}
        kept = tuple(before.get(q.name, q) if q.name == reading.queue else q for q in snapshot.queues)
        return msgspec.structs.replace(snapshot, queues=kept)

    async def _paused(self) -> list[Paused] | None:
        try:
            return await paused(self._redis)
        except (RedisError, OSError, TimeoutError):
            return None


def event(name: str, data: bytes) -> bytes:
    """One server-sent event; `data` is JSON, which has no line breaks."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)
