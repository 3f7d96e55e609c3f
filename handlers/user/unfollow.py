"""`user.unfollow.queue`: one member no longer follows another."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.user import UnfollowUser
from handlers.user.follow import Pair
from momo.actors import Context, Decision, Record, accept, refuse


def decide(command: UnfollowUser, state: Pair, context: Context) -> Decision:  # noqa: ARG001 - every decision takes one
    if state.follow is None:
        return refuse("not-following", "You don't follow this member", status=404)
    saves: list[Record] = []
    if state.follower is not None:
        saves.append(replace(state.follower, following_count=state.follower.following_count - 1))
    if state.followee is not None:
        saves.append(replace(state.followee, follower_count=state.followee.follower_count - 1))
    return accept(saves=saves, drops=[state.follow])
