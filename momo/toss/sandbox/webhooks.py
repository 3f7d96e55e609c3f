"""The sandbox's webhooks: every announced status is posted to one URL, and again by Toss's table until it says 200."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime
from http import HTTPStatus
from uuid import uuid4

import aiohttp
import msgspec

from momo.toss.model import Payment, StatusChanged
from momo.toss.sandbox.faults import Faults
from momo.toss.sandbox.ledger import KST

RETRY_MINUTES = (1, 4, 16, 64, 256, 1024, 4096)
GATHER_SECONDS = 0.1
"""How long shuffled notices gather when the switches name no delay."""
CONCURRENCY = 16

log = logging.getLogger(__name__)


class Notice(msgspec.Struct, frozen=True):
    """One transmission: its copies and retries keep the id and the body."""

    id: str
    body: bytes


class Webhooks:
    """Posts to `url`, or nowhere. `minute` is how many seconds a minute of the retry table lasts, `patience` how many
    seconds the receiver has to answer."""

    def __init__(self, url: str | None, faults: Faults, *, minute: float = 60.0, patience: float = 10.0) -> None:
        self._url = url
        self._faults = faults
        self._minute = minute
        self._timeout = aiohttp.ClientTimeout(total=patience)
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: list[Notice] = []
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._session: aiohttp.ClientSession | None = None

    @property
    def pending(self) -> int:
        """Deliveries under way or waiting for their next try."""
        return len(self._tasks)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=self._timeout)

    async def stop(self) -> None:
        """Gives up what is not delivered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def announce(self, payment: Payment) -> None:
        """Sends the payment as it stands, as often and in the order that the switches say."""
        if self._url is None:
            return
        fault = self._faults.of(payment.order_id)
        body = msgspec.json.encode(StatusChanged(created_at=datetime.now(KST), data=payment))
        notices = [Notice(uuid4().hex, body)] * fault.webhook_copies
        delay = fault.webhook_delay_ms / 1000
        if not fault.webhook_shuffle:
            self._spawn(self._send_later(delay, notices))
            return
        if not self._gathered:
            self._spawn(self._send_gathered(delay or GATHER_SECONDS))
        self._gathered += notices

    async def _send_later(self, delay: float, notices: list[Notice]) -> None:
        await asyncio.sleep(delay)
        for notice in notices:
            await self._first(notice)

    async def _send_gathered(self, delay: float) -> None:
        await asyncio.sleep(delay)
        gathered, self._gathered = self._gathered, []
        for notice in reversed(gathered):
            await self._first(notice)

    async def _first(self, notice: Notice) -> None:
        if not await self._accepted(notice, 0):
            self._spawn(self._retry(notice))

    async def _retry(self, notice: Notice) -> None:
        for count, minutes in enumerate(RETRY_MINUTES, start=1):
            await asyncio.sleep(minutes * self._minute)
            if await self._accepted(notice, count):
                return
        log.warning("webhook %s was given up after %d retries", notice.id, len(RETRY_MINUTES))

    async def _accepted(self, notice: Notice, retried: int) -> bool:
        assert self._session is not None
        assert self._url is not None
        headers = {
            "Content-Type": "application/json",
            "tosspayments-webhook-transmission-time": datetime.now(KST).isoformat(timespec="milliseconds"),
            "tosspayments-webhook-transmission-retried-count": str(retried),
            "tosspayments-webhook-transmission-id": notice.id,
        }
        async with self._slots:
            try:
                async with self._session.post(self._url, data=notice.body, headers=headers) as answer:
                    return answer.status == HTTPStatus.OK
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("webhook %s, try %d: %s %s", notice.id, retried, type(error).__name__, error)
                return False

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
