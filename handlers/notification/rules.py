"""What every notice goes by: its limits, its place in the mailbox, and how amounts and times read in Korea."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from msgspec.structs import replace

from contracts.notification import AnnounceNotification, CreateNotification
from handlers.notification.records import Mailbox, Notification
from momo.actors import Decision, refuse

SUBJECT_LIMIT = 190
CONTENT_LIMIT = 500
AUDIENCE = 250
"""So many members one message tells at most: about as much as a flush takes."""
_KST = timezone(timedelta(hours=9), "KST")


def kst(at: datetime) -> str:
    """`at` as a Korean reader says it: 11월 22일 17:35."""
    local = at.astimezone(_KST)
    return f"{local.month}월 {local.day}일 {local:%H:%M}"


def won(amount: int) -> str:
    return f"{amount:,}원"


def moment(at: datetime) -> str:
    """`at` to the microsecond, for a subject: a second seat of the same member is another notice."""
    return str(round(at.timestamp() * 1_000_000))


def name(nickname: str) -> str:
    return f"{nickname}님" if nickname else "회원님 한 분"


def post(
    mailbox: Mailbox, command: CreateNotification | AnnounceNotification, now: datetime
) -> tuple[Mailbox, Notification]:
    """The mailbox with one notice more, and the notice."""
    mailbox = replace(mailbox, last_sequence=mailbox.last_sequence + 1, unread=mailbox.unread + 1)
    notice = Notification(
        member_id=mailbox.member_id,
        sequence=mailbox.last_sequence,
        type=command.type,
        subject=command.subject,
        content=command.content[:CONTENT_LIMIT],
        meeting_id=command.meeting_id,
        created_at=now,
    )
    return mailbox, notice


def has_no_subject(subject: str) -> Decision | None:
    """The refusal of a notice whose subject can't be kept; None where it can."""
    if 1 <= len(subject) <= SUBJECT_LIMIT:
        return None
    detail = f"Give a subject of 1 to {SUBJECT_LIMIT} characters."
    return refuse("invalid-notification", "The notice has no proper subject", status=422, detail=detail)
