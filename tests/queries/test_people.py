"""Reads of members, categories, payments and notices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contracts.payment import DEFAULT_REFUND_POLICY
from handlers.notification.records import Mailbox, Notification
from handlers.payment.records import Payment, Refund
from handlers.user.records import Follow, User
from momo.queries import category, notification, payment, user
from momo.queries.pages import cursor_of, key_in
from tests.queries.conftest import Put

NOW = datetime(2030, 5, 1, 3, 0, tzinfo=UTC)


def member(user_id: int, withdrawn_at: datetime | None = None) -> User:
    return User(
        user_id=user_id,
        email=f"u{user_id}@x.kr",
        nickname=f"민수{user_id}",
        password_hash="$argon2id$x",
        location="서울",
        created_at=NOW,
        withdrawn_at=withdrawn_at,
    )


async def test_only_the_member_sees_email_and_location(put: Put) -> None:
    db = await put("user", member(1), member(2, withdrawn_at=NOW))
    own, seen = await user.own_profile(db, 1), await user.profile(db, 1)
    assert own is not None
    assert (own.email, own.location, own.created_at) == ("u1@x.kr", "서울", NOW)
    assert b"u1@x.kr" not in msgspec.json.encode(seen)
    assert await user.profile(db, 2) is None
    assert await user.profile(db, 3) is None


async def test_credentials_are_found_by_the_email_in_any_case(put: Put) -> None:
    db = await put("user", member(1), member(2, withdrawn_at=NOW))
    found = await user.credentials(db, " U1@X.kr ")
    assert found is not None
    assert (found.user_id, found.password_hash) == (1, "$argon2id$x")
    assert await user.credentials(db, "u2@x.kr") is None
    assert await user.credentials(db, "' OR '1'='1") is None


async def test_followers_are_paged_from_the_latest_without_gap_or_repeat(put: Put) -> None:
    members = [member(number) for number in range(1, 9)]
    # Several follow at the same moment: the id decides between them.
    follows = [Follow(follower_id=n, followee_id=1, followed_at=NOW + timedelta(seconds=n // 3)) for n in range(2, 9)]
    db = await put("user", *members, *follows, Follow(follower_id=1, followee_id=5, followed_at=NOW))
    seen, cursor = [], None
    while True:
        page = await user.followers(db, 1, cursor=cursor, limit=3)
        seen += [follower.user_id for follower in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == [8, 7, 6, 5, 4, 3, 2]
    assert [one.user_id for one in (await user.followings(db, 1)).items] == [5]


@pytest.mark.parametrize("cursor", ["", "!", "abc", "한", cursor_of(1), cursor_of("x", 2), cursor_of(NOW, 2)[:-2]])
async def test_a_malformed_cursor_is_refused_with_advice(put: Put, cursor: str) -> None:
    db = await put("user")
    with pytest.raises(ValueError, match="the cursor is malformed or of another list: give `next`"):
        await user.followers(db, 1, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 101, -1])
async def test_a_limit_out_of_bounds_is_refused(put: Put, limit: int) -> None:
    with pytest.raises(ValueError, match="give 1 to 100"):
        await user.followers(await put("user"), 1, limit=limit)


def test_a_cursor_gives_its_key_back() -> None:
    assert key_in(cursor_of(NOW, 7, "x"), datetime, int, str) == (NOW, 7, "x")


async def test_twenty_categories_come_in_their_order(put: Put) -> None:
    found = await category.categories(await put("user"))
    assert [one.category_id for one in found] == list(range(1, 21))


async def test_payments_are_read_by_order_and_by_member(put: Put) -> None:
    refund = Refund(number=1, amount=500, reason="x", asked_at=NOW)
    payments = [
        Payment(
            order_id=f"momo-{n}-2-1",
            meeting_id=n,
            member_id=2,
            order_name="한강 러닝",
            amount=1_000,
            starts_at=NOW,
            expires_at=NOW,
            refund_policy=DEFAULT_REFUND_POLICY,
            refunded_amount=500,
            refunds=(refund,),
            created_at=NOW,
        )
        for n in (1, 2, 3)
    ]
    db = await put("payment", *payments)
    found = await payment.payment(db, "momo-2-2-1")
    assert found is not None
    assert (found.member_id, found.amount, found.refunded_amount, found.status) == (2, 1_000, 500, "PENDING")
    assert await payment.payment(db, "momo-9-9-9") is None
    first = await payment.payments(db, 2, limit=2)
    second = await payment.payments(db, 2, limit=2, cursor=first.next)
    assert [one.meeting_id for one in first.items + second.items] == [3, 2, 1]
    assert second.next is None


async def test_notices_are_read_backwards_and_resumed_forwards(put: Put) -> None:
    notices = [
        Notification(member_id=2, sequence=n, type="user.followed", subject=str(n), content="x", created_at=NOW)
        for n in range(1, 6)
    ]
    db = await put("notification", Mailbox(member_id=2, last_sequence=5, unread=4, opened_at=NOW), *notices)
    assert [one.sequence for one in await notification.latest(db, 2, limit=2)] == [5, 4]
    assert [one.sequence for one in await notification.latest(db, 2, before=4, limit=2)] == [3, 2]
    assert [one.sequence for one in await notification.missed(db, 2, after=3)] == [4, 5]
    assert await notification.latest(db, 3) == []
    assert (await notification.unread(db, 2), await notification.unread(db, 3)) == (4, 0)
