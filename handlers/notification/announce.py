"""`notification.announce.queue`: stores the same notice for many members, each under their next number."""

from __future__ import annotations

from typing import Annotated

from contracts.notification import Addressee, AnnounceNotification, BroadcastNotification
from handlers.notification import rules
from handlers.notification.records import Mailbox, Notification
from momo.actors import Context, Decision, Keys, State, accept


class Boxes(State, frozen=True, kw_only=True):
    mailboxes: Annotated[tuple[Mailbox, ...], Keys("member_ids")]
    same: Annotated[tuple[Notification, ...], Keys(member_id="member_ids", type="type", subject="subject")]


def decide(command: AnnounceNotification, state: Boxes, context: Context) -> Decision:
    if refusal := rules.has_no_subject(command.subject):
        return refusal
    known = {mailbox.member_id: mailbox for mailbox in state.mailboxes}
    told = {notice.member_id for notice in state.same}
    told |= {mailbox.member_id for mailbox in state.mailboxes if mailbox.closed_at is not None}
    posted = [
        rules.post(known.get(member_id) or Mailbox(member_id=member_id, opened_at=context.now), command, context.now)
        for member_id in dict.fromkeys(command.member_ids)
        if member_id not in told
    ]
    if not posted:
        return accept()
    push = BroadcastNotification(
        addressees=tuple(Addressee(notice.member_id, notice.sequence) for _, notice in posted),
        type=command.type,
        content=posted[0][1].content,
        meeting_id=command.meeting_id,
        created_at=context.now,
    )
    return accept(saves=[record for pair in posted for record in pair], sends=[push])
