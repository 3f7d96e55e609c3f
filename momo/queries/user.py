"""The reads of the user service: profiles, credentials, followers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from contracts.moment import Moment
from contracts.user import email_of
from momo.queries.database import Database
from momo.queries.pages import Page, checked, key_in, page
from momo.queries.reading import Reader


class Profile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member as others see them."""

    user_id: int
    nickname: str
    follower_count: int
    following_count: int
    trust_score: int
    created_at: Moment


class OwnProfile(Profile, frozen=True, kw_only=True, rename="camel"):
    """A member as they see themselves."""

    email: str
    location: str
    role: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What logging in needs. Never sent to anybody; an account without a password has an empty hash."""

    user_id: int
    nickname: str
    role: str
    password_hash: str


class Follower(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member in a list of followers or followings."""

    user_id: int
    nickname: str
    followed_at: Moment


_PROFILE = Reader(Profile)
_OWN = Reader(OwnProfile)
_CREDENTIALS = Reader(Credentials)
_FOLLOWER = Reader(Follower, {"user_id": "users.user_id", "nickname": "users.nickname"})


async def profile(db: Database, user_id: int) -> Profile | None:
    """A member, or None where there is none or they have withdrawn."""
    sql = f"SELECT {_PROFILE.columns} FROM users WHERE user_id = %s AND withdrawn_at IS NULL"
    rows = await db.rows(sql, user_id)
    return _PROFILE.read(rows[0]) if rows else None


async def own_profile(db: Database, user_id: int) -> OwnProfile | None:
    """A member with what only they may see, or None."""
    sql = f"SELECT {_OWN.columns} FROM users WHERE user_id = %s AND withdrawn_at IS NULL"
    rows = await db.rows(sql, user_id)
    return _OWN.read(rows[0]) if rows else None


async def credentials(db: Database, email: str) -> Credentials | None:
    """Whom an e-mail address, in whatever case, belongs to, or None."""
    sql = f"SELECT {_CREDENTIALS.columns} FROM users WHERE email = %s AND withdrawn_at IS NULL"
    rows = await db.rows(sql, email_of(email))
    return _CREDENTIALS.read(rows[0]) if rows else None


async def followers(db: Database, user_id: int, *, cursor: str | None = None, limit: int = 20) -> Page[Follower]:
    """Who follows a member, the latest first. Raises ValueError for a malformed cursor or limit."""
    return await _follows(db, user_id, cursor, checked(limit), shown="follower_id", of="followee_id")


async def followings(db: Database, user_id: int, *, cursor: str | None = None, limit: int = 20) -> Page[Follower]:
    """Whom a member follows, the latest first. Raises ValueError for a malformed cursor or limit."""
    return await _follows(db, user_id, cursor, checked(limit), shown="followee_id", of="follower_id")


async def _follows(
    db: Database, user_id: int, cursor: str | None, limit: int, *, shown: str, of: str
) -> Page[Follower]:
    after = ""
    args: list[int | datetime] = [user_id]
    if cursor is not None:
        at, last = key_in(cursor, datetime, int)
        after = f"AND (followed_at < %s OR (followed_at = %s AND {shown} < %s))"
        args += [at, at, last]
    rows = await db.rows(
        f"SELECT {_FOLLOWER.columns} FROM user_follow JOIN users ON users.user_id = user_follow.{shown}"
        f" WHERE user_follow.{of} = %s AND users.withdrawn_at IS NULL {after}"
        f" ORDER BY followed_at DESC, {shown} DESC LIMIT %s",
        *args,
        limit + 1,
    )
    found = [_FOLLOWER.read(row) for row in rows]
    return page(found, limit, lambda member: (member.followed_at, member.user_id))
