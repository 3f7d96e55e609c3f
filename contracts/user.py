"""What the user service is asked, and what it announces."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

import msgspec

from contracts.base import Command, Event
from contracts.moment import Moment


class RegisterUser(Command, frozen=True, kw_only=True):
    """A new account. The gateway has hashed the password (Argon2id, PHC string): no secret travels.

    E-mail and nickname are brought to one spelling (NFC, no outer blanks, e-mail in lower case) as soon as the message
    exists, so that who compares them compares alike.
    """

    business_key: ClassVar = ("email",)
    email: str
    nickname: str
    password_hash: str
    location: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "email", email_of(self.email))
        msgspec.structs.force_setattr(self, "nickname", unicodedata.normalize("NFC", self.nickname).strip())


class FollowUser(Command, frozen=True, kw_only=True):
    follower_id: int
    follower_nickname: str
    followee_id: int


class UnfollowUser(Command, frozen=True, kw_only=True):
    follower_id: int
    followee_id: int


class WithdrawUser(Command, frozen=True, kw_only=True):
    """The member leaves MOMO; the account is anonymised."""

    business_key: ClassVar = ("user_id",)
    user_id: int


class UserRegistered(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("user_id",)
    user_id: int
    nickname: str
    registered_at: Moment


class UserFollowed(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("follower_id", "followee_id", "followed_at")
    follower_id: int
    follower_nickname: str
    followee_id: int
    followed_at: Moment


class UserWithdrawn(Event, frozen=True, kw_only=True):
    business_key: ClassVar = ("user_id",)
    user_id: int
    withdrawn_at: Moment


class RegisteredUser(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a registration."""

    user_id: int


def email_of(text: str) -> str:
    """The one spelling of an e-mail address by which an account is found."""
    return unicodedata.normalize("NFC", text).strip().lower()
