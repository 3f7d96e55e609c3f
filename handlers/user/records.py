"""The user service's actors: accounts and who follows whom."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from momo.actors import Record


class User(Record, frozen=True, kw_only=True):
    """An account. The counters equal the rows of `user_follow`; a withdrawn one is anonymous and stays."""

    table: ClassVar = "users"
    key: ClassVar = ("user_id",)
    user_id: int
    email: str
    nickname: str
    password_hash: str
    role: str = "member"
    location: str = ""
    follower_count: int = 0
    following_count: int = 0
    trust_score: int = 50
    created_at: datetime
    withdrawn_at: datetime | None = None


class Follow(Record, frozen=True, kw_only=True):
    """`ending`: one of the two has withdrawn, and the order to take this row away is under way."""

    table: ClassVar = "user_follow"
    key: ClassVar = ("follower_id", "followee_id")
    follower_id: int
    followee_id: int
    followed_at: datetime
    ending: bool = False
