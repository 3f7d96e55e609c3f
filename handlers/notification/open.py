"""`user.registered.queue`: a new member gets a mailbox."""

from __future__ import annotations

from typing import Annotated

from contracts.user import UserRegistered
from handlers.notification.records import Mailbox
from momo.actors import Context, Decision, Key, State, accept


class Owner(State, frozen=True, kw_only=True):
    mailbox: Annotated[Mailbox | None, Key("user_id")]


def decide(command: UserRegistered, state: Owner, context: Context) -> Decision:
    if state.mailbox is not None:
        return accept()
    return accept(saves=[Mailbox(member_id=command.user_id, opened_at=context.now)])
