"""A member's WebSocket: every notice as it comes, resumed behind the last one seen when the socket closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from contracts.moment import Moment
from momo.demo.client import UnexpectedError, bearer

PATH = "/api/v2/notifications/stream"
HEARD_SECONDS = 60.0
"""How long a notice may take from the act that causes it."""
PAUSE_SECONDS = 0.2
_REFUSED = range(4400, 4500)


class Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A notice as a client reads it, pushed or listed."""

    sequence: int
    type: str
    content: str
    meeting_id: int | None = None
    created_at: Moment


_decode = msgspec.json.Decoder(Notice).decode


class Stream:
    """`notices` are in the order in which they came, doubles and gaps included; `resumed` counts reconnections,
    `refused` says why there will be none any more."""

    def __init__(self, session: aiohttp.ClientSession, whose: str, token: Callable[[], Awaitable[str]]) -> None:
        self.notices: list[Notice] = []
        self.resumed = 0
        self.refused = ""
        self._session = session
        self._whose = whose
        self._token = token
        self._news = asyncio.Condition()
        self._open = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the socket is open. Raises UnexpectedError where it never is."""
        self._task = asyncio.create_task(self._run(), name=f"stream of {self._whose}")
        await self._opened()

    async def drop(self) -> None:
        """Loses the connection and comes back."""
        self._open.clear()
        if self._socket is not None:
            await self._socket.close()
        await self._opened()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def heard(self, kind: str, meeting_id: int) -> None:
        """Waits for a notice of `kind` about the meeting. Raises UnexpectedError when it does not come."""
        if not await self._until(
            lambda: any(notice.type == kind and notice.meeting_id == meeting_id for notice in self.notices),
            HEARD_SECONDS,
        ):
            raise UnexpectedError(
                f"{self._whose} has not heard {kind} of meeting {meeting_id} within {HEARD_SECONDS:.0f} s"
            )

    async def holds(self, count: int, seconds: float) -> bool:
        """Whether at least `count` notices have come within `seconds`."""
        return await self._until(lambda: len(self.notices) >= count, seconds)

    async def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(true)
        except TimeoutError:
            return False
        return True

    async def _opened(self) -> None:
        try:
            async with asyncio.timeout(HEARD_SECONDS):
                await self._open.wait()
        except TimeoutError:
            raise UnexpectedError(f"the WebSocket of {self._whose} does not open") from None
        if self.refused:
            raise UnexpectedError(f"the WebSocket of {self._whose} was refused: {self.refused}")

    async def _run(self) -> None:
        while not self.refused:
            after = self.notices[-1].sequence if self.notices else 0
            try:
                await self._listen(after)
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._open.clear()  # the gateway is away; it is tried again until the demo ends
            except (UnexpectedError, msgspec.MsgspecError) as error:
                self.refused = str(error)
            await asyncio.sleep(PAUSE_SECONDS)
        self._open.set()

    async def _listen(self, after: int) -> None:
        headers = bearer(await self._token())
        async with self._session.ws_connect(
            PATH, params={"after": str(after)}, headers=headers, heartbeat=30
        ) as socket:
            self.resumed += self._socket is not None
            self._socket = socket
            self._open.set()
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    async with self._news:
                        self.notices.append(_decode(message.data))
                        self._news.notify_all()
        if socket.close_code in _REFUSED:
            self.refused = f"close code {socket.close_code}"
