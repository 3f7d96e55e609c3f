"""What the notification service is asked."""

from __future__ import annotations

from typing import ClassVar, Literal

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


class SendNotification(Command, frozen=True, kw_only=True):
    """Pushes a stored notice to the member's open sockets. `sequence` counts a member's notices from 1."""

    business_key: ClassVar = ("member_id", "sequence")
    member_id: int
    sequence: int
    type: NotificationType
    content: str
    meeting_id: int | None = None
    created_at: Moment
