"""The notification service's actors: mailboxes, and the notices in them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from momo.actors import Record


class Mailbox(Record, frozen=True, kw_only=True):
    """A member's: `last_sequence` counts the notices ever stored, `unread` those not read yet."""

    table: ClassVar = "mailboxes"
    key: ClassVar = ("member_id",)
    member_id: int
    last_sequence: int = 0
    unread: int = 0
    opened_at: datetime
    closed_at: datetime | None = None


class Notification(Record, frozen=True, kw_only=True):
    """One notice; there is one a member, type and subject."""

    table: ClassVar = "notifications"
    key: ClassVar = ("member_id", "sequence")
    member_id: int
    sequence: int
    type: str
    subject: str
    content: str
    meeting_id: int | None = None
    created_at: datetime
    read_at: datetime | None = None
