"""What the notification service is asked."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from contracts.base import Command
from contracts.moment import Moment

NotificationType = Literal[
    "user.followed",
    "meeting.joined",
    "meeting.left",
    "meeting.offer",
    "meeting.cancelled",
    "payment.completed",
    "payment.failed",
    "payment.refunded",
]


class CreateNotification(Command, frozen=True, kw_only=True):
    """Stores a notice for a member. `subject` names what it is about: one notice a member, type and subject."""

    business_key: ClassVar = ("member_id", "type", "subject")
    member_id: int
    type: NotificationType
    subject: str
    content: str
    meeting_id: int | None = None


class AnnounceNotification(Command, frozen=True, kw_only=True):
    """Stores the same notice for each of `member_ids`; whom it is stored for already is passed over."""

    business_key: ClassVar = ("member_ids", "type", "subject")
    member_ids: tuple[int, ...]
    type: NotificationType
    subject: str
    content: str
    meeting_id: int | None = None


class Addressee(msgspec.Struct, frozen=True, array_like=True):
    """A member, and the number that a notice has among theirs."""

    member_id: int
    sequence: int


class BroadcastNotification(Command, frozen=True, kw_only=True):
    """Pushes a notice that is stored for all of `addressees` to their open sockets."""

    business_key: ClassVar = ("addressees",)
    addressees: tuple[Addressee, ...]
    type: NotificationType
    content: str
    meeting_id: int | None = None
    created_at: Moment


class SendNotification(Command, frozen=True, kw_only=True):
    """Pushes a stored notice to the member's open sockets. `sequence` counts a member's notices from 1."""

    business_key: ClassVar = ("member_id", "sequence")
    member_id: int
    sequence: int
    type: NotificationType
    content: str
    meeting_id: int | None = None
    created_at: Moment
