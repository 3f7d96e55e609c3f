"""Accounts, profiles and follows."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody
from msgspec import Meta

from contracts.user import FollowUser, RegisteredUser, RegisterUser, UnfollowUser, WithdrawUser, email_of
from momo.gateway.bodies import Body
from momo.gateway.documented import outcome
from momo.gateway.limits import REGISTER, REGISTER_FROM
from momo.gateway.parameters import Cursor, Id, Limit, asked
from momo.gateway.problems import not_found
from momo.gateway.routes import session
from momo.gateway.routes.given import Incoming, Using, Who
from momo.gateway.tokens import ANONYMOUS, SIGNED_IN
from momo.queries import user as queries
from momo.queries.pages import Page

EMAIL = r"^[^@\s\x00-\x20]+@[^@\s\x00-\x20]+\.[^@\s\x00-\x20]+$"
VISIBLE = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
"""No control characters, no space at either end."""


class Registration(Body, frozen=True, kw_only=True):
    email: Annotated[str, Meta(pattern=EMAIL, max_length=190)]
    nickname: Annotated[str, Meta(pattern=VISIBLE, min_length=2, max_length=20)]
    password: Annotated[str, Meta(min_length=8, max_length=128)]
    location: Annotated[str, Meta(max_length=100)] = ""


@post("/", status_code=202, responses=outcome(201, RegisteredUser))
async def register(request: Incoming, data: JSONBody[Registration], resources: Using) -> Response[bytes]:
    """Opens an account. Its result names the `userId`."""
    email = email_of(data.email)
    await resources.limits.take(REGISTER_FROM, request.client.host if request.client else "")
    headers = await resources.limits.take(REGISTER, email)
    message = RegisterUser(
        email=email,
        nickname=data.nickname,
        password_hash=await resources.passwords.hash(data.password),
        location=data.location,
    )
    return await resources.commands.send(request, "user", message, sender=ANONYMOUS, headers=headers)


@get("/me", **SIGNED_IN)
async def me(member: Who, resources: Using) -> queries.OwnProfile:
    """My own profile, with what others do not see."""
    found = await queries.own_profile(resources.databases["user"], member.member_id)
    if found is None:
        raise not_found("member")
    return found


@delete("/me", status_code=202, responses=outcome(), **SIGNED_IN)
async def withdraw(request: Incoming, member: Who, resources: Using) -> Response[bytes]:
    """Leaves MOMO: the account is anonymised, seats are given up, hosted meetings are called off."""
    message = WithdrawUser(user_id=member.member_id)
    return await resources.commands.send(request, "user", message, sender=member.sender)


@get("/{user_id:int}", **SIGNED_IN)
async def profile(user_id: Id, resources: Using) -> queries.Profile:
    """A member as others see them: no e-mail, no location."""
    found = await queries.profile(resources.databases["user"], user_id)
    if found is None:
        raise not_found("member")
    return found


@post("/{user_id:int}/follow", status_code=202, responses=outcome(), **SIGNED_IN)
async def follow(request: Incoming, user_id: Id, member: Who, resources: Using) -> Response[bytes]:
    message = FollowUser(follower_id=member.member_id, follower_nickname=member.nickname, followee_id=user_id)
    return await resources.commands.send(request, "user", message, sender=member.sender)


@delete("/{user_id:int}/follow", status_code=202, responses=outcome(), **SIGNED_IN)
async def unfollow(request: Incoming, user_id: Id, member: Who, resources: Using) -> Response[bytes]:
    message = UnfollowUser(follower_id=member.member_id, followee_id=user_id)
    return await resources.commands.send(request, "user", message, sender=member.sender)


@get("/{user_id:int}/followers", **SIGNED_IN)
async def followers(user_id: Id, resources: Using, cursor: Cursor = None, limit: Limit = 20) -> Page[queries.Follower]:
    with asked():
        return await queries.followers(resources.databases["user"], user_id, cursor=cursor, limit=limit)


@get("/{user_id:int}/followings", **SIGNED_IN)
async def followings(user_id: Id, resources: Using, cursor: Cursor = None, limit: Limit = 20) -> Page[queries.Follower]:
    with asked():
        return await queries.followings(resources.databases["user"], user_id, cursor=cursor, limit=limit)


def router() -> Router:
    handlers = [register, me, withdraw, profile, follow, unfollow, followers, followings, *session.HANDLERS]
    return Router("/api/v2/users", route_handlers=handlers, tags=["users"])
