"""What the meeting service is asked, and what it announces."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from contracts.base import Command, Event
from contracts.moment import Moment
from contracts.payment import RefundStep


class CreateMeeting(Command, frozen=True, kw_only=True):
    """A host opens a meeting. `fee` in KRW; places in degrees; the host takes the first seat."""

    business_key: ClassVar = ("host_id", "title", "starts_at")
    host_id: int
    host_nickname: str
    title: str
    description: str = ""
    category_id: int
    place_name: str
    latitude: float
    longitude: float
    starts_at: Moment
    ends_at: Moment
    capacity: int
    fee: int = 0
    hold_seconds: int = 600
    refund_policy: tuple[RefundStep, ...]


class JoinMeeting(Command, frozen=True, kw_only=True):
    """A member asks for a seat: seated (free), held (paid) or put on the waitlist (full)."""

    meeting_id: int
    member_id: int
    nickname: str = ""


class CancelSeat(Command, frozen=True, kw_only=True):
    """A member gives up a seat, a hold or a place on the waitlist (`meeting.cancel`)."""

    meeting_id: int
    member_id: int


class DeleteMeeting(Command, frozen=True, kw_only=True):
    """The host calls the meeting off; everybody who paid is refunded in full."""

    business_key: ClassVar = ("meeting_id",)
    meeting_id: int
    host_id: int


class DismissMembers(Command, frozen=True, kw_only=True):
    """One chunk of calling a meeting off: the next members are dismissed, then the rest in further chunks."""

    meeting_id: int


class WithdrawMember(Command, frozen=True, kw_only=True):
    """One chunk of what follows when a member has left MOMO: the next places are given up, then the rest."""

    member_id: int


class ExpireHold(Command, frozen=True, kw_only=True):
    """The time to pay for a held seat is over; sent by a timer."""

    business_key: ClassVar = ("order_id",)
    meeting_id: int
    member_id: int
    order_id: str


class MeetingJoined(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("meeting_id", "member_id", "joined_at")
    meeting_id: int
    title: str
    host_id: int
    member_id: int
    nickname: str
    joined_at: Moment


class MeetingCancelled(Event, frozen=True, kw_only=True):
    """A member gave up a confirmed seat."""

    business_key: ClassVar = ("meeting_id", "member_id", "cancelled_at")
    meeting_id: int
    title: str
    host_id: int
    member_id: int
    nickname: str
    cancelled_at: Moment


class MeetingOffered(Event, frozen=True, kw_only=True):
    """The first member on the waitlist may now pay for a seat that became free."""

    business_key: ClassVar = ("order_id",)
    meeting_id: int
    title: str
    member_id: int
    order_id: str
    amount: int
    expires_at: Moment


class MeetingDismissed(Event, frozen=True, kw_only=True):
    """The host called the meeting off, and these members hear of it (one event a chunk)."""

    meeting_id: int
    title: str
    member_ids: tuple[int, ...]


class MeetingView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A meeting as members see it: the answer to creating one, and what reading gives. `status` is as of the clock:
    open, full, started, finished or cancelled."""

    meeting_id: int
    host_id: int
    host_nickname: str
    title: str
    description: str
    category_id: int
    place_name: str
    latitude: float
    longitude: float
    starts_at: Moment
    ends_at: Moment
    capacity: int
    fee: int
    hold_seconds: int
    refund_policy: tuple[RefundStep, ...]
    status: str
    seated: int
    held: int
    waiting: int
    seats_left: int
    version: int
    created_at: Moment


class Seat(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The answer to a join. `held` comes with what to pay (KRW) until when, `waiting` with the place in line from 1."""

    status: str
    order_id: str | None = None
    amount: int | None = None
    hold_expires_at: Moment | None = None
    position: int | None = None
