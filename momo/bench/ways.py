"""What stands for each kind of work when its cost is measured: messages for one queue, and what they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from contracts.base import Message
from contracts.notification import CreateNotification, SendNotification
from contracts.payment import DEFAULT_REFUND_POLICY, ChargePayment, RegisterPayment
from contracts.user import FollowUser
from momo.bench.joins import FIRST_MEMBER, joins
from momo.bench.meetings import open_meetings
from momo.local.stage import process
from momo.settings import Settings
from momo.store.connection import connected
from momo.store.literal import tuples

MEETINGS = 100
MEMBERS = 2_000
AMOUNT = 10_000
RATES = (100, 400, 1_600)
"""Messages a second. At the first nearly each one is a flush of its own."""

Prepare = Callable[[Settings, int], Awaitable[Sequence[Message]]]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` prepares so many for `queue`, at each of `rates` and in bulk, of which `share` of the usual number is
    enough; `beside` is what must run meanwhile."""

    queue: str
    messages: Prepare
    beside: Callable[[Settings], AbstractAsyncContextManager[Any]] = lambda _: nullcontext()
    rates: Sequence[int] = RATES
    share: float = 1.0


async def _joins(settings: Settings, count: int) -> Sequence[Message]:
    async with connected(settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=count)
    return list(joins(first, MEETINGS, count))


async def _follows(settings: Settings, count: int) -> Sequence[Message]:
    await open_accounts(settings)
    return [
        FollowUser(follower_id=follower, follower_nickname=f"m{follower}", followee_id=followee)
        for follower, followee in map(pair, range(count))
    ]


def pair(number: int) -> tuple[int, int]:
    """Two members; no pair comes twice."""
    follower, ahead = number % MEMBERS, number // MEMBERS + 1
    return FIRST_MEMBER + follower, FIRST_MEMBER + (follower + ahead) % MEMBERS


async def open_accounts(settings: Settings) -> None:
    """`MEMBERS` accounts from `FIRST_MEMBER` on, with which nobody can log in."""
    rows = [
        (number, f"m{number}@bench.momo.test", f"m{number}", "", "member", "", 0, 0, 0, datetime.now(UTC))
        for number in range(FIRST_MEMBER, FIRST_MEMBER + MEMBERS)
    ]
    async with connected(settings.db_url("user")) as database:
        await database.change(
            "INSERT INTO users (user_id, email, nickname, password_hash, role, location, follower_count,"
            f" following_count, trust_score, created_at) VALUES {tuples(rows)}"
        )


async def _payments(settings: Settings, count: int) -> Sequence[Message]:  # noqa: ARG001 - the database is empty
    soon = datetime.now(UTC) + timedelta(hours=1)
    return [
        RegisterPayment(
            order_id=f"bench-{number:012}",
            meeting_id=1,
            member_id=FIRST_MEMBER + number,
            order_name="bench",
            amount=AMOUNT,
            starts_at=soon + timedelta(days=2),
            expires_at=soon,
            refund_policy=DEFAULT_REFUND_POLICY,
        )
        for number in range(count)
    ]


async def _notices(settings: Settings, count: int) -> Sequence[Message]:  # noqa: ARG001 - a mailbox opens by itself
    return [
        CreateNotification(
            member_id=FIRST_MEMBER + number % MEMBERS,
            type="meeting.joined",
            subject=f"meeting:1:member:{number}:2026-11-22T12:00:00",
            content="'bench' 모임 참가가 확정되었습니다.",
            meeting_id=1,
        )
        for number in range(count)
    ]


async def _pushes(settings: Settings, count: int) -> Sequence[Message]:  # noqa: ARG001 - nobody needs to listen
    return [
        SendNotification(
            member_id=FIRST_MEMBER + number % MEMBERS,
            sequence=1 + number // MEMBERS,
            type="meeting.joined",
            content="'bench' 모임 참가가 확정되었습니다.",
            meeting_id=1,
            created_at=datetime.now(UTC),
        )
        for number in range(count)
    ]


async def _charges(settings: Settings, count: int) -> Sequence[Message]:
    charges = []
    async with aiohttp.ClientSession() as client:
        for number in range(count):
            order_id = f"bench-{number:012}"
            order = {"orderId": order_id, "amount": AMOUNT}
            async with client.post(f"{settings.toss_url}/sandbox/checkout", json=order) as response:
                key = (await response.json())["paymentKey"]
            charges.append(ChargePayment(order_id=order_id, payment_key=key, amount=AMOUNT))
    return charges


def sandbox(settings: Settings) -> AbstractAsyncContextManager[Any]:
    return process(settings, "toss-sandbox")


WAYS: dict[str, Way] = {
    "user": Way(queue="user.follow.queue", messages=_follows),
    "meeting": Way(queue="meeting.join.queue", messages=_joins),
    "payment": Way(queue="payment.register.queue", messages=_payments),
    "notification": Way(queue="notification.create.queue", messages=_notices),
    "push": Way(queue="notification.send.queue", messages=_pushes),
    "call": Way(queue="payment.charge.queue", messages=_charges, beside=sandbox, rates=RATES[:2], share=0.1),
}
"""A decision of each service that owns a database, by the service's name; and the two kinds of effects."""
