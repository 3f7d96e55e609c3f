"""Open sockets: each gets its member's notices in sequence, none missed and none twice, live or from the database."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import chain

import msgspec

from momo.gateway.channels import Channels, Listener
from momo.gateway.notices import Notices, broadcast, pushed
from momo.live import BROADCASTS, push_channel
from momo.queries.notification import Notice
from momo.store.errors import StoreError

logger = logging.getLogger(__name__)

BUFFER = 64
"""Live notices kept for a socket that is slow; what comes on top is read from the database later."""
SEND_SECONDS = 30.0
"""A socket that takes no message for so long is closed."""
LONGEST_PAUSE_SECONDS = 2.0

GOING_AWAY = 1012

TRY_LATER = 1013
BAD_REQUEST = 4400
BAD_TOKEN = 4401

Send = Callable[[bytes], Awaitable[None]]


class Closed(Exception):
    """The socket must be closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Feed:
    """One socket's notices. `last` is the sequence sent last; live notices at or below it are dropped, a gap above it
    is read from the database."""

    def __init__(self, member_id: int, last: int, notices: Notices, send: Send) -> None:
        self.member_id = member_id
        self.last = last
        self._notices = notices
        self._send = send
        self._live: deque[Notice] = deque()
        self._stale = True
        self._wake = asyncio.Event()
        self._closed: Closed | None = None
        self._wake.set()

    def hear(self, payload: bytes) -> None:
        """A live notice, from its member's channel."""
        try:
            self.take(pushed(payload))
        except msgspec.MsgspecError as error:
            logger.warning("a push that is no notice: %s", error)

    def take(self, notice: Notice) -> None:
        """A live notice. Never blocks: where the buffer is full, the database takes its place."""
        if len(self._live) >= BUFFER:
            self._live.clear()
            self._stale = True
        else:
            self._live.append(notice)
        self._wake.set()

    def resync(self) -> None:
        """Something may have been missed: read the database before going on."""
        self._stale = True
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        self._closed = Closed(code, reason)
        self._wake.set()

    async def run(self) -> None:
        """Sends until the socket is gone. Raises Closed."""
        pause = 0.1
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._closed:
                raise self._closed
            try:
                await self._drain()
                pause = 0.1
            except StoreError as error:
                logger.warning("notices of member %s can't be read: %s", self.member_id, error)
                self._stale = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                self._wake.set()

    async def _drain(self) -> None:
        while self._stale or self._live:
            if self._closed:
                raise self._closed
            if self._stale:
                self._stale = False
                await self._catch_up()
                continue
            notice = self._live.popleft()
            if notice.sequence > self.last + 1:
                await self._catch_up()
            # a notice is stored before it is pushed: what the database did not have between, there is not
            if notice.sequence > self.last:
                await self._deliver(notice)

    async def _catch_up(self) -> None:
        while page := await self._notices.after(self.member_id, self.last):
            for notice in page:
                await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(msgspec.json.encode(notice))
        except TimeoutError:
            raise Closed(TRY_LATER, "the socket takes no messages") from None
        self.last = notice.sequence


class Sockets:
    """Every open socket of this process. A member's channel is subscribed while one of them is open."""

    def __init__(self, channels: Channels, notices: Notices) -> None:
        self._channels = channels
        self._notices = notices
        self._feeds: dict[int, set[Feed]] = {}
        self._broadcasts = Listener(self._hear)
        self._draining = False

    @property
    def count(self) -> int:
        return sum(map(len, self._feeds.values()))

    async def serve(self, member_id: int, after: int | None, send: Send) -> None:
        """Feeds one socket until it is cancelled. `after` is the last sequence that the client has seen; None: only
        what is new from now on. Raises Closed, StoreUnavailable."""
        if self._draining:
            raise Closed(GOING_AWAY, "the server is stopping")
        last = await self._notices.last(member_id) if after is None else after
        feed = Feed(member_id, last, self._notices, send)
        # whenever the subscription begins, also after Redis was away, the database is read again
        listener = Listener(feed.hear, feed.resync)
        first = not self._feeds
        self._feeds.setdefault(member_id, set()).add(feed)
        try:
            if first:
                # before any member's channel, and so live before any: from then on no notice can be missed
                await self._channels.listen(BROADCASTS, self._broadcasts)
            await self._channels.listen(push_channel(member_id), listener)
            await feed.run()
        finally:
            self._channels.leave(push_channel(member_id), listener)
            feeds = self._feeds[member_id]
            feeds.discard(feed)
            if not feeds:
                del self._feeds[member_id]
            if not self._feeds:
                self._channels.leave(BROADCASTS, self._broadcasts)

    def _hear(self, payload: bytes) -> None:
        """A live notice for many, some of whom may have a socket here."""
        try:
            for member_id, notice in broadcast(payload):
                for feed in self._feeds.get(member_id, ()):
                    feed.take(notice)
        except msgspec.MsgspecError as error:
            logger.warning("a push that is no notice: %s", error)

    def drain(self) -> None:
        """Asks every client to come back, to another process."""
        self._draining = True
        for feed in chain(*self._feeds.values()):
            feed.close(GOING_AWAY, "the server is stopping")
