"""`user.withdrawn.notification.queue`: nothing more is stored for a member who has left MOMO."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.user import UserWithdrawn
from handlers.notification.open import Owner
from handlers.notification.records import Mailbox
from momo.actors import Context, Decision, accept


def decide(command: UserWithdrawn, state: Owner, context: Context) -> Decision:
    mailbox = state.mailbox or Mailbox(member_id=command.user_id, opened_at=context.now)
    if mailbox.closed_at is not None:
        return accept()
    return accept(saves=[replace(mailbox, closed_at=context.now)])
