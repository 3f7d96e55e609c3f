"""`user.followed.queue`: a member hears who follows them."""

from __future__ import annotations

from contracts.notification import CreateNotification
from contracts.user import UserFollowed
from handlers.notification import rules
from momo.actors import Context, Decision, State, accept


def decide(command: UserFollowed, state: State, context: Context) -> Decision:  # noqa: ARG001 - the event says it all
    notice = CreateNotification(
        member_id=command.followee_id,
        type="user.followed",
        subject=f"follower:{command.follower_id}:{rules.moment(command.followed_at)}",
        content=f"{rules.name(command.follower_nickname)}이 회원님을 팔로우합니다.",
    )
    return accept(sends=[notice])
