"""`notification.create.queue`: stores a notice under the member's next number; a repeat changes nothing."""

from __future__ import annotations

from typing import Annotated

from msgspec.structs import replace

from contracts.notification import CreateNotification, SendNotification
from handlers.notification import rules
from handlers.notification.records import Mailbox, Notification
from momo.actors import Context, Decision, Key, State, accept, refuse


class Box(State, frozen=True, kw_only=True):
    mailbox: Annotated[Mailbox | None, Key("member_id")]
    same: Annotated[Notification | None, Key(member_id="member_id", type="type", subject="subject")]


def decide(command: CreateNotification, state: Box, context: Context) -> Decision:
    if not 1 <= len(command.subject) <= rules.SUBJECT_LIMIT:
        detail = f"Give a subject of 1 to {rules.SUBJECT_LIMIT} characters."
        return refuse("invalid-notification", "The notice has no proper subject", status=422, detail=detail)
    # A notice may overtake the news that the member has registered.
    mailbox = state.mailbox or Mailbox(member_id=command.member_id, opened_at=context.now)
    if state.same is not None or mailbox.closed_at is not None:
        return accept()
    mailbox = replace(mailbox, last_sequence=mailbox.last_sequence + 1, unread=mailbox.unread + 1)
    notice = Notification(
        member_id=command.member_id,
        sequence=mailbox.last_sequence,
        type=command.type,
        subject=command.subject,
        content=command.content[: rules.CONTENT_LIMIT],
        meeting_id=command.meeting_id,
        created_at=context.now,
    )
    send = SendNotification(
        member_id=notice.member_id,
        sequence=notice.sequence,
        type=command.type,
        content=notice.content,
        meeting_id=notice.meeting_id,
        created_at=context.now,
    )
    return accept(saves=[mailbox, notice], sends=[send])
