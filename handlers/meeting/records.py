"""The meeting service's actors: meetings, and members' places in them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from contracts.payment import RefundStep
from momo.actors import Record


class Meeting(Record, frozen=True, kw_only=True):
    """`seated`, `held` and `waiting` equal the participants of that status; seated + held never exceeds capacity.

    `status` is open, full or cancelled; that a meeting has started or finished follows from the clock.
    """

    table: ClassVar = "meetings"
    key: ClassVar = ("meeting_id",)
    meeting_id: int
    host_id: int
    host_nickname: str
    title: str
    description: str
    category_id: int
    place_name: str
    latitude: float
    longitude: float
    starts_at: datetime
    ends_at: datetime
    capacity: int
    fee: int
    hold_seconds: int
    refund_policy: tuple[RefundStep, ...]
    status: str = "open"
    seated: int = 0
    held: int = 0
    waiting: int = 0
    waitlist_seq: int = 0
    version: int = 1
    created_at: datetime


class Participant(Record, frozen=True, kw_only=True):
    """A member's place: seated, held (to be paid), waiting; or left, expired (not paid in time), dismissed.

    `active` is true for the first three. `hold_no` counts the holds, and the order of the last one is `order_id`;
    `paid_holds` are the numbers of those whose money has come in, for a seat or for a refund.
    """

    table: ClassVar = "meeting_participants"
    key: ClassVar = ("meeting_id", "member_id")
    meeting_id: int
    member_id: int
    nickname: str
    host: bool = False
    status: str
    active: bool = True
    withdrawing: bool = False
    hold_no: int = 0
    order_id: str = ""
    hold_expires_at: datetime | None = None
    waitlist_no: int = 0
    paid_amount: int = 0
    paid_holds: tuple[int, ...] = ()
    joined_at: datetime
    changed_at: datetime
