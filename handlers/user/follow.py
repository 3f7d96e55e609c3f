"""`user.follow.queue`: one member follows another."""

from __future__ import annotations

from typing import Annotated

from msgspec.structs import replace

from contracts.user import FollowUser, UserFollowed
from handlers.user.records import Follow, User
from momo.actors import Context, Decision, Key, State, accept, refuse


class Pair(State, frozen=True, kw_only=True):
    follower: Annotated[User | None, Key("follower_id")]
    followee: Annotated[User | None, Key("followee_id")]
    follow: Annotated[Follow | None, Key("follower_id", "followee_id")]


def decide(command: FollowUser, state: Pair, context: Context) -> Decision:
    if command.follower_id == command.followee_id:
        return refuse("follow-self", "Nobody can follow themselves")
    if state.follower is None or state.follower.withdrawn_at is not None:
        return refuse("unknown-user", "This account does not exist", status=404, detail="Log in again.")
    if state.followee is None or state.followee.withdrawn_at is not None:
        return refuse(
            "unknown-user", "No such member", status=404, detail=f"No member has the id {command.followee_id}."
        )
    if state.follow is not None:
        return refuse("already-following", "You follow this member already")
    return accept(
        saves=[
            Follow(follower_id=command.follower_id, followee_id=command.followee_id, followed_at=context.now),
            replace(state.follower, following_count=state.follower.following_count + 1),
            replace(state.followee, follower_count=state.followee.follower_count + 1),
        ],
        sends=[
            UserFollowed(
                follower_id=command.follower_id,
                follower_nickname=state.follower.nickname,
                followee_id=command.followee_id,
                followed_at=context.now,
            )
        ],
    )
