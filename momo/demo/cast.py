"""What the scenes share: the sandbox, the model, and the acts that members do again and again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from contracts.meeting import MeetingView, Seat
from momo.demo.client import UnexpectedError, shaped
from momo.demo.member import Member
from momo.demo.model import Meeting, Model
from momo.demo.sandbox import Sandbox
from momo.queries.meeting import Participation

OPEN_SECONDS = 30.0
"""How long a payment may take to be opened after its seat was held."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting to be opened; `hours` until it starts, `fee` in KRW."""

    title: str
    capacity: int
    fee: int = 0
    hours: int = 72
    hold_seconds: int = 600

    @property
    def percent(self) -> int:
        """What MOMO's default policy pays back of the fee to who leaves today."""
        return 100 if self.hours > 24 else 50 if self.hours > 6 else 0


class Cast:
    """The members by id, and their common acts. Acts raise UnexpectedError; the model hears of each that succeeds."""

    def __init__(self, sandbox: Sandbox, model: Model, category_id: int) -> None:
        self.sandbox = sandbox
        self.model = model
        self.members: dict[int, Member] = {}
        self._category_id = category_id

    async def open(self, host: Member, plan: Plan) -> Meeting:
        starts_at = datetime.now(UTC) + timedelta(hours=plan.hours)
        wanted = {
            "title": plan.title,
            "categoryId": self._category_id,
            "placeName": "서울숲",
            "latitude": 37.5444,
            "longitude": 127.0374,
            "startsAt": starts_at,
            "endsAt": starts_at + timedelta(hours=2),
            "capacity": plan.capacity,
            "fee": plan.fee,
            "holdSeconds": plan.hold_seconds,
        }
        result = await host.command("open a meeting", "POST", "/api/v2/meetings", wanted)
        opened = shaped(result, MeetingView)
        meeting = Meeting(
            meeting_id=opened.meeting_id,
            title=plan.title,
            host_id=host.member_id,
            capacity=plan.capacity,
            fee=plan.fee,
            percent=plan.percent,
        )
        self.model.opened(meeting)
        return meeting

    async def join(self, member: Member, meeting: Meeting) -> Seat:
        seat = shaped(await member.command("join", "POST", f"{meeting.path}/join"), Seat)
        self.model.joined(meeting, member.member_id, seat)
        return seat

    async def leave(self, member: Member, meeting: Meeting) -> None:
        await member.command("leave", "DELETE", f"{meeting.path}/join")

    async def confirm(self, member: Member, meeting: Meeting, order_id: str, payment_key: str) -> None:
        body = {"paymentKey": payment_key, "orderId": order_id, "amount": meeting.fee}
        await member.command("pay", "POST", "/api/v2/payments/confirm", body)

    async def check_out(self, member: Member, meeting: Meeting, order_id: str) -> str:
        """The buyer's part: waits until MOMO has opened the payment, then authenticates it; the payment key."""
        pause, end = 0.02, asyncio.get_running_loop().time() + OPEN_SECONDS
        while await member.read(f"/api/v2/payments/{order_id}") is None:
            if asyncio.get_running_loop().time() > end:
                raise UnexpectedError(f"{meeting}: order {order_id} has no payment after {OPEN_SECONDS:.0f} s")
            await asyncio.sleep(pause)  # nothing tells a client that its payment is open
            pause = min(pause * 2, 0.5)
        return await self.sandbox.checkout(order_id, meeting.fee)

    async def pay(self, member: Member, meeting: Meeting, order_id: str) -> None:
        """Pays for a held seat, and waits to hear that it is theirs."""
        payment_key = await self.check_out(member, meeting, order_id)
        await self.confirm(member, meeting, order_id, payment_key)
        self.model.paid(meeting, member.member_id, order_id)
        await member.stream.heard("meeting.joined", meeting.meeting_id)

    async def take_offer(self, member: Member, meeting: Meeting) -> None:
        """Waits for the offer of a seat that became free, and pays for it."""
        await member.stream.heard("meeting.offer", meeting.meeting_id)
        place = await member.read(f"{meeting.path}/join")
        found = shaped(place, Participation)
        if found.status != "held":
            raise UnexpectedError(f"{meeting}: {member.nickname} was offered a seat, but their place is {found.status}")
        await self.pay(member, meeting, found.order_id)
