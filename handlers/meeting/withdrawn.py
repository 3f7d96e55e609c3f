"""`user.withdrawn.queue`: a member has left MOMO; giving up their places begins."""

from __future__ import annotations

from contracts.meeting import WithdrawMember
from contracts.user import UserWithdrawn
from momo.actors import Context, Decision, State, accept


def decide(command: UserWithdrawn, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    return accept(sends=[WithdrawMember(member_id=command.user_id)])
