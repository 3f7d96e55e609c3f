"""`notification.create.queue`: stores a notice under the member's next number; a repeat changes nothing."""

from __future__ import annotations

from typing import Annotated

from contracts.notification import CreateNotification, SendNotification
from handlers.notification import rules
from handlers.notification.records import Mailbox, Notification
from momo.actors import Context, Decision, Key, State, accept


class Box(State, frozen=True, kw_only=True):
    mailbox: Annotated[Mailbox | None, Key("member_id")]
    same: Annotated[Notification | None, Key(member_id="member_id", type="type", subject="subject")]


def decide(command: CreateNotification, state: Box, context: Context) -> Decision:
    if refusal := rules.has_no_subject(command.subject):
        return refusal
    # A notice may overtake the news that the member has registered.
    mailbox = state.mailbox or Mailbox(member_id=command.member_id, opened_at=context.now)
    if state.same is not None or mailbox.closed_at is not None:
        return accept()
    mailbox, notice = rules.post(mailbox, command, context.now)
    send = SendNotification(
        member_id=notice.member_id,
        sequence=notice.sequence,
        type=command.type,
        content=notice.content,
        meeting_id=notice.meeting_id,
        created_at=context.now,
    )
    return accept(saves=[mailbox, notice], sends=[send])
