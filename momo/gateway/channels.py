"""This process's one Redis subscription: any number of channels, kept through Redis' absences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from momo.steady import SteadyConnection

logger = logging.getLogger(__name__)

PING_SECONDS = 3.0
"""How often Redis is asked for a word; silent for twice as long, the connection counts as dead."""
LONGEST_PAUSE_SECONDS = 1.0
SUBSCRIBED_SECONDS = 1.0
"""How long a new subscription may take before its owner goes on without the certainty that it is live."""


class Listener:
    """Hears one channel: `hear(payload)` for each message; `live()` each time that the subscription begins, for what
    was published before is not heard. Neither may block."""

    def __init__(self, hear: Callable[[bytes], None], live: Callable[[], None] = lambda: None) -> None:
        self.hear = hear
        self.live = live


class Channels:
    """`healthy` says whether Redis answers on the subscription; it comes back by itself."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url, connection_class=SteadyConnection, protocol=2, socket_connect_timeout=1.0, socket_timeout=None
        )
        self._listeners: dict[bytes, list[Listener]] = {}
        self._live: dict[bytes, asyncio.Event] = {}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.healthy = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="redis-channels")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def listen(self, channel: str, listener: Listener) -> None:
        """Returns when Redis has confirmed the subscription; at once while Redis is away (`live` tells later)."""
        name = channel.encode()
        self._listeners.setdefault(name, []).append(listener)
        live = self._live.setdefault(name, asyncio.Event())
        self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBED_SECONDS if self.healthy else 0):
                await live.wait()

    def leave(self, channel: str, listener: Listener) -> None:
        name = channel.encode()
        listeners = self._listeners.get(name, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(name, None)
            self._wanted.set()

    async def _run(self) -> None:
        pause = 0.05
        while True:
            connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
            try:
                await connection.connect()
                pause = 0.05
                await self._hold(connection)
            except (RedisError, OSError, TimeoutError, EOFError) as error:
                if self.healthy:
                    logger.warning("the Redis subscription is lost: %s", error)
            finally:
                self.healthy = False
                for live in self._live.values():
                    live.clear()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _hold(self, connection: Any) -> None:
        """Keeps one connection until it breaks."""
        tasks = {asyncio.create_task(self._write(connection)), asyncio.create_task(self._read(connection))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, connection: Any) -> None:
        sent: set[bytes] = set()
        while True:
            self._wanted.clear()
            names = set(self._listeners)
            if fresh := names - sent:
                await connection.send_command("SUBSCRIBE", *sorted(fresh), check_health=False)
            if stale := sent - names:
                await connection.send_command("UNSUBSCRIBE", *sorted(stale), check_health=False)
                for name in stale:
                    self._live.pop(name, None)
            if not sent or (fresh, stale) == (set(), set()):
                await connection.send_command("PING", check_health=False)
            sent = names
            with suppress(TimeoutError):
                async with asyncio.timeout(PING_SECONDS):
                    await self._wanted.wait()

    async def _read(self, connection: Any) -> None:
        while True:
            async with asyncio.timeout(2 * PING_SECONDS):
                reply = await connection.read_response()
            if not isinstance(reply, list):
                self.healthy = True  # PONG, where nothing is subscribed yet
                continue
            kind, name, payload = (*reply, None, None)[:3]
            if kind == b"message":
                for listener in tuple(self._listeners.get(name, ())):
                    listener.hear(payload)
            elif kind == b"pong":
                self.healthy = True
            elif kind == b"subscribe":
                if live := self._live.get(name):
                    live.set()
                for listener in tuple(self._listeners.get(name, ())):
                    listener.live()
