"""One example of every contract, with awkward values where a field can hold them: for documents, releases and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from contracts.base import Message
from contracts.meeting import (
    CancelSeat,
    CreateMeeting,
    DeleteMeeting,
    DismissMembers,
    ExpireHold,
    JoinMeeting,
    MeetingCancelled,
    MeetingDismissed,
    MeetingJoined,
    MeetingOffered,
    WithdrawMember,
)
from contracts.notification import (
    Addressee,
    AnnounceNotification,
    BroadcastNotification,
    CreateNotification,
    SendNotification,
)
from contracts.payment import (
    ChargePayment,
    ConfirmPayment,
    ExpirePayment,
    InspectPayment,
    PaymentCompleted,
    PaymentFailed,
    PaymentRefunded,
    RefundPayment,
    RefundStep,
    RegisterPayment,
    ReturnPayment,
    SettlePayment,
)
from contracts.user import (
    FollowUser,
    RegisterUser,
    UnfollowUser,
    UserFollowed,
    UserRegistered,
    UserWithdrawn,
    WithdrawUser,
)

AT = datetime(2026, 11, 22, 9, 30, 0, 123456, UTC)
SEOUL = datetime(2026, 12, 1, 19, 0, tzinfo=timezone(timedelta(hours=9)))
POLICY = (RefundStep(hours_before=24, percent=100), RefundStep(hours_before=6, percent=50))
ORDER = "m17-u42-h1"
PLACE: dict[str, Any] = {"meeting_id": 17, "member_id": 42}
PAYMENT: dict[str, Any] = {**PLACE, "order_id": ORDER, "order_name": "한강 러닝 🏃"}
MEETING: dict[str, Any] = {**PLACE, "title": "한강 러닝 🏃", "host_id": 7, "nickname": "모모"}

EXAMPLES: tuple[Message, ...] = (
    RegisterUser(email="momo@example.com", nickname="모모", password_hash="$argon2id$v=19$x", location="서울"),  # noqa: S106 - the hash of none
    FollowUser(follower_id=1, follower_nickname='"모모"\\', followee_id=2),
    UnfollowUser(follower_id=1, followee_id=2),
    WithdrawUser(user_id=9007199254740991),
    UserRegistered(user_id=42, nickname="모모", registered_at=AT),
    UserFollowed(follower_id=1, follower_nickname="모모", followee_id=2, followed_at=AT),
    UserWithdrawn(user_id=42, withdrawn_at=AT),
    CreateMeeting(
        host_id=7,
        host_nickname="모모",
        title="한강 러닝 🏃",
        description="천천히\n5 km",
        category_id=3,
        place_name="여의나루역 2번 출구",
        latitude=37.5271,
        longitude=126.9326,
        starts_at=SEOUL,
        ends_at=SEOUL + timedelta(hours=2),
        capacity=12,
        fee=15000,
        hold_seconds=600,
        refund_policy=POLICY,
    ),
    JoinMeeting(**PLACE, nickname="모모"),
    CancelSeat(**PLACE),
    DeleteMeeting(meeting_id=17, host_id=7),
    DismissMembers(meeting_id=17),
    WithdrawMember(member_id=42),
    ExpireHold(**PLACE, order_id=ORDER),
    MeetingJoined(**MEETING, joined_at=AT),
    MeetingCancelled(**MEETING, cancelled_at=AT),
    MeetingOffered(**PLACE, title="한강 러닝 🏃", order_id=ORDER, amount=15000, expires_at=AT),
    MeetingDismissed(meeting_id=17, title="한강 러닝 🏃", member_ids=(42, 43)),
    RegisterPayment(**PAYMENT, amount=15000, starts_at=SEOUL, expires_at=AT, refund_policy=POLICY),
    ConfirmPayment(member_id=42, order_id=ORDER, payment_key="tgen_x", amount=15000),
    ChargePayment(order_id=ORDER, payment_key="tgen_x", amount=15000),
    InspectPayment(order_id=ORDER),
    SettlePayment(
        order_id=ORDER,
        status="DONE",
        payment_key="tgen_x",
        total_amount=15000,
        balance_amount=15000,
        approved_at=SEOUL,
        code="",
        message="",
    ),
    ExpirePayment(order_id=ORDER),
    RefundPayment(order_id=ORDER, amount="policy", reason="cancelled", at=AT),
    ReturnPayment(order_id=ORDER, number=1, payment_key="tgen_x", amount=7500, reason="cancelled"),
    PaymentCompleted(**PAYMENT, amount=15000, approved_at=AT),
    PaymentFailed(**PAYMENT, code="REJECT_CARD_COMPANY", reason="한도 초과"),
    PaymentRefunded(**PAYMENT, amount=7500, returned=7500, remaining=7500, reason="cancelled"),
    CreateNotification(member_id=42, type="meeting.joined", subject="17", content="모모 joined", meeting_id=17),
    AnnounceNotification(
        member_ids=(42, 43), type="meeting.cancelled", subject="meeting:17", content="취소되었습니다.", meeting_id=17
    ),
    BroadcastNotification(
        addressees=(Addressee(42, 3), Addressee(43, 1)),
        type="meeting.cancelled",
        content="취소되었습니다.",
        meeting_id=17,
        created_at=AT,
    ),
    SendNotification(member_id=42, sequence=3, type="payment.refunded", content="₩7,500", created_at=AT),
)
