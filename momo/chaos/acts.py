"""What members do: each act is one or more commands, and the book hears of every outcome."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp

from momo.chaos.book import Book, Difference, Meeting
from momo.chaos.client import Client, Command
from momo.chaos.outcome import Known

FEE = 10_000
CONFIRM_TRIES = 4
"""A confirmation that overtakes its order's registration by more than MOMO waits is sent anew so often."""
CONFIRM_PAUSE = 1.0


class Acts:
    """Every act returns when the outcomes of its commands are known."""

    def __init__(
        self, client: Client, session: aiohttp.ClientSession, toss_url: str, book: Book, chance: random.Random
    ) -> None:
        self._client = client
        self._session = session
        self._toss_url = toss_url
        self._book = book
        self._chance = chance
        self._number = 0
        self._run = f"{chance.getrandbits(32):08x}"

    async def register(self) -> None:
        self._number += 1
        name = f"c{self._run}-{self._number}"
        account = {"email": f"{name}@chaos.momo.test", "nickname": name, "password": "chaos-day-1234"}
        known = await self._send(self._client.command("register", 0, "POST", "/users", account))
        if known is not None and known.done:
            self._book.members.append(known.result["userId"])
        elif known is not None:
            self._unexplained("register", known)

    async def follow(self, follower_id: int, followee_id: int, *, wanted: bool) -> None:
        """Follows, or no longer follows where not `wanted`."""
        act, method = ("follow", "POST") if wanted else ("unfollow", "DELETE")
        known = await self._send(self._client.command(act, follower_id, method, f"/users/{followee_id}/follow"))
        if known is None:
            return
        pair = (follower_id, followee_id)
        self._ordered(f"member {follower_id} and member {followee_id}", self._book.follow(*pair).follows(act, known))
        if known.done and wanted:
            self._book.followed[pair] = self._book.followed.get(pair, 0) + 1

    async def open(self, host_id: int, *, capacity: int, fee: int, hold_seconds: int) -> None:
        self._number += 1
        title = f"chaos {self._run} {self._number}"
        starts_at = datetime.now(UTC) + timedelta(days=5)
        wanted = {
            "title": title,
            "categoryId": 1,
            "placeName": "서울숲",
            "latitude": 37.5444,
            "longitude": 127.0374,
            "startsAt": starts_at,
            "endsAt": starts_at + timedelta(hours=2),
            "capacity": capacity,
            "fee": fee,
            "holdSeconds": hold_seconds,
        }
        known = await self._send(self._client.command("open", host_id, "POST", "/meetings", wanted))
        if known is not None and known.done:
            meeting = Meeting(
                meeting_id=known.result["meetingId"],
                host_id=host_id,
                title=title,
                capacity=capacity,
                fee=fee,
                hold_seconds=hold_seconds,
            )
            self._book.meetings[meeting.meeting_id] = meeting
        elif known is not None:
            self._unexplained("open", known)

    async def join(self, member_id: int, meeting: Meeting, *, pays: bool) -> None:
        """Joins, and `pays` where the seat is held."""
        known = await self._send(self._client.command("join", member_id, "POST", f"{meeting.path}/join"))
        if known is None:
            return
        self._moved(meeting, member_id, "join", known)
        if not known.done:
            return
        seat = known.result
        self._book.joins.setdefault((meeting.meeting_id, member_id), []).append(seat["status"])
        if seat["status"] == "held":
            self._book.orders.add(seat["orderId"])
            if pays:
                await self._pay(member_id, meeting, seat["orderId"])

    async def leave(self, member_id: int, meeting: Meeting) -> None:
        known = await self._send(self._client.command("leave", member_id, "DELETE", f"{meeting.path}/join"))
        if known is None:
            return
        self._moved(meeting, member_id, "leave", known)
        if known.done:
            pair = (meeting.meeting_id, member_id)
            self._book.leaves[pair] = self._book.leaves.get(pair, 0) + 1

    async def take_offer(self, member_id: int, meeting: Meeting) -> None:
        """Looks whether a seat was offered meanwhile, and pays for it."""
        place = await self._client.read(member_id, f"{meeting.path}/join")
        if place is not None and place["status"] == "held":
            await self._pay(member_id, meeting, place["orderId"])

    async def call_off(self, meeting: Meeting) -> None:
        meeting.ended = True
        known = await self._send(self._client.command("call off", meeting.host_id, "DELETE", meeting.path))
        if known is not None and known.done:
            meeting.called_off = True
        elif known is not None:
            self._unexplained("call off", known)

    async def look_again(self) -> None:
        """Asks after an old command, or sends it again."""
        command = self._chance.choice(self._book.commands)
        if command.outcome is not None:
            await self._client.look_again(command)

    async def _pay(self, member_id: int, meeting: Meeting, order_id: str) -> None:
        order = {"orderId": order_id, "amount": meeting.fee}
        payment_key = await self._checkout(order)
        if payment_key is None:
            return
        body = {**order, "paymentKey": payment_key}
        for _ in range(CONFIRM_TRIES):
            known = await self._send(self._client.command("pay", member_id, "POST", "/payments/confirm", body))
            if known is None or known.said != "unknown-payment":
                break
            await asyncio.sleep(CONFIRM_PAUSE)  # nothing tells a client that its payment is open
        if known is not None and known.done:
            self._book.confirmed.append(order_id)

    async def _checkout(self, order: dict[str, Any]) -> str | None:
        """The buyer's part, in a window of Toss's own; None where Toss won't (the order may be paid already)."""
        try:
            async with self._session.post(f"{self._toss_url}/sandbox/checkout", json=order) as response:
                return (await response.json())["paymentKey"] if response.status == HTTPStatus.OK else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def _send(self, command: Command) -> Known | None:
        self._book.commands.append(command)
        return await self._client.settle(command)

    def _moved(self, meeting: Meeting, member_id: int, act: str, known: Known) -> None:
        if known.said == "meeting-cancelled" and not meeting.ended:
            self._unexplained(act, known)
        stream = self._book.place(meeting, member_id)
        self._ordered(f"member {member_id} in meeting {meeting.meeting_id}", stream.follows(act, known))

    def _ordered(self, whose: str, broken: str) -> None:
        if broken:
            self._book.seen.append(Difference("order_breaks", f"{whose}: {broken}"))

    def _unexplained(self, act: str, known: Known) -> None:
        self._book.seen.append(Difference("lost", f"a command to {act} ended with {known}, which nothing explains"))
