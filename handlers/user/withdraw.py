"""`user.withdraw.queue`: the account becomes anonymous, then its follows end, chunk by chunk.

The first message only anonymises and sends the command again: from its commit on nobody can follow this member, so the
chunks that come after it see every follow there will ever be. A chunk marks the rows it orders away, so the next one
finds the next ones.
"""

from __future__ import annotations

from typing import Annotated

from msgspec.structs import replace

from contracts.user import UnfollowUser, UserWithdrawn, WithdrawUser
from handlers.user import rules
from handlers.user.records import Follow, User
from momo.actors import Context, Decision, Key, Rows, State, accept, refuse


class Member(State, frozen=True, kw_only=True):
    user: Annotated[User | None, Key("user_id")]
    followings: Annotated[
        tuple[Follow, ...],
        Rows(where={"follower_id": "user_id"}, equals={"ending": 0}, order="followee_id", limit=rules.CHUNK),
    ]
    followers: Annotated[
        tuple[Follow, ...],
        Rows(where={"followee_id": "user_id"}, equals={"ending": 0}, order="follower_id", limit=rules.CHUNK),
    ]


def decide(command: WithdrawUser, state: Member, context: Context) -> Decision:
    if state.user is None:
        return refuse("unknown-user", "This account does not exist", status=404)
    if state.user.withdrawn_at is None:
        return accept(
            saves=[rules.anonymised(state.user, context.now)],
            sends=[UserWithdrawn(user_id=command.user_id, withdrawn_at=context.now), command],
        )
    ending = [follow for follow in (*state.followings, *state.followers) if not follow.ending]
    more = rules.CHUNK in (len(state.followings), len(state.followers))
    return accept(
        saves=[replace(follow, ending=True) for follow in ending],
        sends=[
            *(UnfollowUser(follower_id=follow.follower_id, followee_id=follow.followee_id) for follow in ending),
            *([command] if more else []),
        ],
    )
