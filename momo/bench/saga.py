"""`saga`: paid joins through Toss' sandbox to the confirmed seat and the stored notice."""

from __future__ import annotations

import asyncio
import itertools
import time

import aiohttp
import msgspec

from contracts.base import Message
from contracts.meeting import JoinMeeting, Seat
from contracts.notification import SendNotification
from contracts.outcome import Outcome
from contracts.payment import ConfirmPayment
from momo.bench.ground import Figures, Ground, reset
from momo.bench.hearing import hearing
from momo.bench.joins import publishing, sealed
from momo.bench.meetings import open_meetings
from momo.bench.timing import percentiles
from momo.broker.publisher import Publisher
from momo.live import decode_notice, decode_replies, push_channel, reply_channel
from momo.local.stage import whole
from momo.store.connection import connected

NAME = "bench"
MEETINGS = 20
FEE = 10_000
FIRST_MEMBER = 1_000
AT_ONCE = 128
PATIENCE = 60.0
NOT_YET = 0.02
"""The payment is registered by a message of its own, which a member's browser is never quick enough to overtake."""


class Buyers:
    """Members who join, check out at Toss, confirm, and wait for the notice of their seat."""

    def __init__(self, ground: Ground, publisher: Publisher, client: aiohttp.ClientSession, first: int) -> None:
        self._toss = ground.settings.toss_url
        self._publisher = publisher
        self._client = client
        self._first = first
        self._replies: dict[str, asyncio.Future[Outcome]] = {}
        self._notices: dict[int, asyncio.Future[float]] = {}
        self._members = itertools.count(FIRST_MEMBER)

    def reply(self, payload: bytes) -> None:
        for reply in decode_replies(payload):
            if reply.message_id in self._replies:  # a delivery that came twice is answered twice
                self._replies.pop(reply.message_id).set_result(reply.outcome)

    def notice(self, payload: bytes) -> None:
        notice: SendNotification = decode_notice(payload)
        if notice.type == "meeting.joined" and notice.member_id in self._notices:
            self._notices.pop(notice.member_id).set_result(time.perf_counter())

    async def buy(self, due: float) -> float:
        """One saga; seconds from `due` to the notice, which is pushed once it is stored. Raises RuntimeError."""
        member = next(self._members)
        told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._notices[member] = told
        meeting = self._first + member % MEETINGS
        joined = await self._ask(JoinMeeting(meeting_id=meeting, member_id=member, nickname=f"m{member}"))
        seat = msgspec.json.decode(joined.result, type=Seat)
        if seat.order_id is None or seat.amount is None:
            raise RuntimeError(f"a paid join was answered {joined}")
        order = {"orderId": seat.order_id, "amount": seat.amount}
        async with self._client.post(f"{self._toss}/sandbox/checkout", json=order) as response:
            key = (await response.json())["paymentKey"]
        confirm = ConfirmPayment(member_id=member, order_id=seat.order_id, payment_key=key, amount=seat.amount)
        while (outcome := await self._ask(confirm)).status == 404:  # noqa: ASYNC110 - as a browser would
            await asyncio.sleep(NOT_YET)
        if outcome.state != "done":
            raise RuntimeError(f"a confirm was answered {outcome}")
        return await told - due

    async def _ask(self, message: Message) -> Outcome:
        [envelope] = sealed([message], NAME)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._replies[envelope.message_id] = answer
        await self._publisher.publish([envelope], timeout=PATIENCE)
        return await answer


async def saga(ground: Ground) -> Figures:
    """`rate` in sagas/s with `AT_ONCE` under way; the percentiles at half of that rate, open-loop. Raises RuntimeError
    where a seat, a notice or the money does not fit."""
    await reset(ground.settings)
    settings, count = ground.settings, ground.size.sagas
    async with connected(settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, fee=FEE)
    async with whole(settings), publishing(settings) as publisher, aiohttp.ClientSession() as client:
        buyers = Buyers(ground, publisher, client, first)
        async with (
            hearing(settings, reply_channel(NAME), buyers.reply),
            hearing(settings, push_channel(0).replace("0", "*"), buyers.notice),
            asyncio.timeout(PATIENCE + count / 10),
        ):
            await _at_once(buyers, count // 5)
            began = time.perf_counter()
            await _at_once(buyers, count)
            rate = count / (time.perf_counter() - began)
            times = await _by_schedule(buyers, count // 2, rate / 2)
    await _audit(ground, count // 5 + count + count // 2)
    return {"rate": round(rate, 1), **percentiles(times)}


async def _at_once(buyers: Buyers, count: int) -> None:
    left = iter(range(count))

    async def shop() -> None:
        for _ in left:
            await buyers.buy(time.perf_counter())

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(shop())


async def _by_schedule(buyers: Buyers, count: int, rate: float) -> list[float]:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(count):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(group.create_task(buyers.buy(due)))
    return [task.result() for task in tasks]


async def _audit(ground: Ground, count: int) -> None:
    async with connected(ground.settings.db_url("meeting")) as database:
        [(seated,)] = await database.rows("SELECT COUNT(*) FROM meeting_participants WHERE status = 'seated'")
    async with connected(ground.settings.db_url("payment")) as database:
        [(paid,)] = await database.rows("SELECT COUNT(*) FROM payments WHERE status = 'COMPLETED'")
    async with connected(ground.settings.db_url("notification")) as database:
        [(told,)] = await database.rows(
            "SELECT COUNT(*) FROM notifications WHERE type = 'meeting.joined' AND member_id >= %s", FIRST_MEMBER
        )
    if not seated == paid == told == count:
        raise RuntimeError(f"of {count} sagas {seated} members are seated, {paid} have paid and {told} are told")
