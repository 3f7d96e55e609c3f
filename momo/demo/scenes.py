"""The scenes of the day: the race for seats, those who leave, and what goes wrong for some."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from momo.demo.cast import Cast, Plan
from momo.demo.client import UnexpectedError
from momo.demo.member import Member
from momo.demo.model import Meeting

LATE_HOLD_SECONDS = 5
LATE_DELAY_MS = 8_000
"""Toss answers the late confirm so much later: after the hold has ended, before MOMO stops listening (10 s)."""
CARD_CODE = "INVALID_REJECT_CARD"

Tell = Callable[[str], None]


async def arrive(cast: Cast, member: Member, meeting: Meeting) -> None:
    """One of many who want a seat now: it is theirs, or held until they pay at once, or they wait."""
    seat = await cast.join(member, meeting)
    if seat.status == "held":
        await cast.pay(member, meeting, seat.order_id or "")
    elif seat.status == "seated":
        await member.stream.heard("meeting.joined", meeting.meeting_id)


async def some_leave(cast: Cast, meeting: Meeting, leaving: Sequence[Member], tired: Member | None) -> None:
    """`tired` stops waiting; then `leaving` give up their seats at once, and as many who wait move up (and pay)."""
    if tired is not None:
        await cast.leave(tired, meeting)
        cast.model.left(meeting, tired.member_id)
    await together(cast.leave(member, meeting) for member in leaving)
    promoted = [cast.model.left(meeting, member.member_id) for member in leaving]
    moving_up = [cast.members[member_id] for member_id in promoted if member_id is not None]
    if meeting.fee:
        await together(cast.take_offer(member, meeting) for member in moving_up)
    else:
        await together(member.stream.heard("meeting.joined", meeting.meeting_id) for member in moving_up)


async def called_off(cast: Cast, host: Member, guests: Sequence[Member], tell: Tell) -> None:
    """Guests race and pay, more of them than seats; then the host calls it all off, and all money goes back."""
    plan = Plan(title="취소되는 모임", capacity=max(2, len(guests)), fee=20_000)
    meeting = await cast.open(host, plan)
    await together(arrive(cast, guest, meeting) for guest in guests)
    for wrong in meeting.race():
        tell(wrong)
    seated = [cast.members[member_id] for member_id in meeting.seated]
    await host.command("call off", "DELETE", meeting.path)
    cast.model.called_off(meeting)
    await together(guest.stream.heard("meeting.cancelled", meeting.meeting_id) for guest in guests)
    await together(guest.stream.heard("payment.refunded", meeting.meeting_id) for guest in seated)


async def late_money(cast: Cast, host: Member, late: Member, quick: Member) -> None:
    """Toss is slow: `late` begins to pay in time and is through when `quick` has the seat; the money goes back."""
    plan = Plan(title="늦은 결제", capacity=2, fee=30_000, hold_seconds=LATE_HOLD_SECONDS)
    meeting = await cast.open(host, plan)
    order_id = await _the_seat(cast, late, meeting)
    payment_key = await cast.check_out(late, meeting, order_id)
    await cast.sandbox.trouble(order_id, delayMs=LATE_DELAY_MS)
    await cast.confirm(late, meeting, order_id, payment_key)
    await cast.join(quick, meeting)
    cast.model.paid_late(meeting, late.member_id, order_id)
    await quick.stream.heard("meeting.offer", meeting.meeting_id)
    await cast.sandbox.trouble(order_id)  # the refund need not be slow too; the confirm under way stays so
    await cast.take_offer(quick, meeting)
    await late.stream.heard("payment.refunded", meeting.meeting_id)


async def rejected_card(cast: Cast, host: Member, poor: Member, next_one: Member) -> None:
    """The card is rejected: the seat is free again, and goes to who waits for it."""
    meeting = await cast.open(host, Plan(title="거절된 카드", capacity=2, fee=10_000))
    order_id = await _the_seat(cast, poor, meeting)
    await cast.join(next_one, meeting)
    payment_key = await cast.check_out(poor, meeting, order_id)
    await cast.sandbox.trouble(order_id, failCode=CARD_CODE)
    await cast.confirm(poor, meeting, order_id, payment_key)
    cast.model.rejected(meeting, poor.member_id, order_id)
    await poor.stream.heard("payment.failed", meeting.meeting_id)
    await cast.take_offer(next_one, meeting)


async def _the_seat(cast: Cast, member: Member, meeting: Meeting) -> str:
    seat = await cast.join(member, meeting)
    if seat.status != "held" or not seat.order_id:
        raise UnexpectedError(f"{meeting}: the only member who asked got a seat that is {seat.status}, not held")
    return seat.order_id


async def together(acts: Iterable[Awaitable[None]]) -> None:
    """All at once, to the end of each. Raises what went wrong, as one UnexpectedError."""
    wrong = [end for end in await asyncio.gather(*acts, return_exceptions=True) if end is not None]
    for error in wrong:
        if not isinstance(error, UnexpectedError):
            raise error
    if wrong:
        raise UnexpectedError("; ".join(str(error) for error in wrong))
