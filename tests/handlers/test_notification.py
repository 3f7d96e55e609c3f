"""The notification service's decisions: mailboxes and what is said in them."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from contracts.meeting import MeetingCancelled, MeetingDismissed, MeetingJoined, MeetingOffered
from contracts.notification import (
    Addressee,
    AnnounceNotification,
    BroadcastNotification,
    CreateNotification,
    SendNotification,
)
from contracts.payment import PaymentCompleted, PaymentFailed, PaymentRefunded
from contracts.user import UserFollowed, UserRegistered, UserWithdrawn
from handlers.notification import (
    announce,
    close,
    create,
    dismissed,
    failed,
    followed,
    joined,
    left,
    offered,
    paid,
    refunded,
)
from handlers.notification import (
    open as open_mailbox,
)
from handlers.notification.records import Mailbox, Notification
from handlers.notification.rules import AUDIENCE
from tests.handlers.harness import NOW, Service, of, problem, result

NOTICE = CreateNotification(member_id=2, type="user.followed", subject="a", content="안녕")
ANNOUNCED = AnnounceNotification(
    member_ids=(2, 3, 2, 4), type="meeting.cancelled", subject="meeting:5", content="안녕", meeting_id=5
)
JOINED = MeetingJoined(meeting_id=5, title="러닝", host_id=1, member_id=2, nickname="민수", joined_at=NOW)
REFUNDED = PaymentRefunded(
    order_id="o",
    meeting_id=5,
    member_id=2,
    order_name="러닝",
    amount=5_000,
    returned=5_000,
    remaining=5_000,
    reason="x",
)


def contents(service: Service) -> dict[int, str]:
    return {notice.member_id: notice.content for notice in of(CreateNotification, service.take_sent())}


def test_notices_are_numbered_from_one_and_pushed() -> None:
    service = Service()
    service.handle(open_mailbox.decide, UserRegistered(user_id=2, nickname="x", registered_at=NOW))
    service.handle(create.decide, NOTICE)
    service.handle(create.decide, replace(NOTICE, subject="b"))
    assert [notice.sequence for notice in of(SendNotification, service.sent)] == [1, 2]
    assert [notice.sequence for notice in service.all(Notification)] == [1, 2]
    assert (service.get(Mailbox, 2).last_sequence, service.get(Mailbox, 2).unread) == (2, 2)


def test_the_same_notice_again_changes_nothing() -> None:
    service = Service()
    service.handle(create.decide, NOTICE)
    before = service.snapshot()
    assert service.handle(create.decide, NOTICE).sends == ()
    assert service.snapshot() == before


def test_a_notice_may_overtake_the_registration() -> None:
    service = Service()
    service.handle(create.decide, NOTICE)
    service.handle(open_mailbox.decide, UserRegistered(user_id=2, nickname="x", registered_at=NOW))
    assert service.get(Mailbox, 2).last_sequence == 1


def test_nothing_is_stored_for_who_has_withdrawn() -> None:
    service = Service()
    service.handle(close.decide, UserWithdrawn(user_id=2, withdrawn_at=NOW))
    service.handle(close.decide, UserWithdrawn(user_id=2, withdrawn_at=NOW))
    service.handle(create.decide, NOTICE)
    assert service.all(Notification) == []


def test_a_notice_without_a_proper_subject_is_refused_and_long_contents_are_cut() -> None:
    service = Service()
    assert problem(service.handle(create.decide, replace(NOTICE, subject=""))).status == 422
    assert problem(service.handle(create.decide, replace(NOTICE, subject="x" * 191))).status == 422
    service.handle(create.decide, replace(NOTICE, content="가" * 600))
    assert len(service.all(Notification)[0].content) == 500


def test_the_followed_member_hears_who_follows() -> None:
    service = Service()
    event = UserFollowed(follower_id=1, follower_nickname="민수", followee_id=2, followed_at=NOW)
    service.handle(followed.decide, event)
    assert contents(service) == {2: "민수님이 회원님을 팔로우합니다."}


def test_member_and_host_hear_of_a_seat_and_the_host_of_its_end() -> None:
    service = Service()
    service.handle(joined.decide, JOINED)
    assert contents(service) == {
        1: "민수님이 '러닝' 모임에 참가했습니다.",
        2: "'러닝' 모임 참가가 확정되었습니다.",
    }
    event = MeetingCancelled(meeting_id=5, title="러닝", host_id=1, member_id=2, nickname="민수", cancelled_at=NOW)
    service.handle(left.decide, event)
    assert contents(service) == {1: "민수님이 '러닝' 모임 참가를 취소했습니다."}


def test_an_offer_says_until_when_in_korean_time() -> None:
    service = Service()
    event = MeetingOffered(meeting_id=5, title="러닝", member_id=2, order_id="o", amount=12_000, expires_at=NOW)
    service.handle(offered.decide, event)
    assert contents(service) == {
        2: "'러닝' 모임에 자리가 났습니다. 5월 1일 12:00까지 12,000원을 결제하면 참가가 확정됩니다."
    }


def test_dismissed_members_are_told_in_messages_of_bounded_length() -> None:
    service = Service()
    members = tuple(range(2, 2 + 2 * AUDIENCE + 3))
    service.handle(dismissed.decide, MeetingDismissed(meeting_id=5, title="러닝", member_ids=members))
    told = of(AnnounceNotification, service.sent)
    assert [len(part.member_ids) for part in told] == [AUDIENCE, AUDIENCE, 3]
    assert tuple(member for part in told for member in part.member_ids) == members
    assert {(part.type, part.subject) for part in told} == {("meeting.cancelled", "meeting:5")}


def test_an_announcement_is_stored_for_each_once_and_pushed_with_their_own_numbers() -> None:
    service = Service(
        Mailbox(member_id=2, last_sequence=7, unread=0, opened_at=NOW),
        Mailbox(member_id=4, opened_at=NOW, closed_at=NOW),
    )
    service.handle(announce.decide, ANNOUNCED)
    [push] = of(BroadcastNotification, service.take_sent())
    assert push.addressees == (Addressee(2, 8), Addressee(3, 1))
    assert {(n.member_id, n.sequence, n.content) for n in service.all(Notification)} == {(2, 8, "안녕"), (3, 1, "안녕")}
    assert (service.get(Mailbox, 2).last_sequence, service.get(Mailbox, 2).unread) == (8, 1)

    before = service.snapshot()
    service.handle(announce.decide, replace(ANNOUNCED, member_ids=(3, 2)))
    assert (service.snapshot(), service.sent) == (before, [])


def test_an_announcement_reaches_those_who_were_not_told_yet() -> None:
    service = Service()
    service.handle(create.decide, replace(NOTICE, type="meeting.cancelled", subject="meeting:5"))
    service.take_sent()
    service.handle(announce.decide, ANNOUNCED)
    [push] = of(BroadcastNotification, service.sent)
    assert [to.member_id for to in push.addressees] == [3, 4]


def test_an_announcement_to_nobody_or_about_nothing_changes_nothing() -> None:
    service = Service()
    assert result(service.handle(announce.decide, replace(ANNOUNCED, member_ids=()))) is None
    assert problem(service.handle(announce.decide, replace(ANNOUNCED, subject=""))).type == "invalid-notification"
    assert (service.all(Notification), service.sent) == ([], [])


def test_a_payer_hears_of_completion_failure_and_refund() -> None:
    service = Service()
    about = {"order_id": "o", "meeting_id": 5, "member_id": 2, "order_name": "러닝"}
    service.handle(paid.decide, PaymentCompleted(**about, amount=10_000, approved_at=NOW))  # type: ignore[arg-type]
    assert contents(service) == {2: "'러닝' 참가비 10,000원 결제가 완료되었습니다."}
    service.handle(failed.decide, PaymentFailed(**about, code="X", reason=""))  # type: ignore[arg-type]
    assert contents(service) == {2: "'러닝' 참가비 결제에 실패했습니다: X"}
    service.handle(refunded.decide, REFUNDED)
    assert contents(service) == {2: "'러닝' 참가비 5,000원이 환불되었습니다."}


def test_two_acts_of_one_kind_have_two_subjects() -> None:
    service = Service()
    service.handle(joined.decide, JOINED)
    service.handle(joined.decide, replace(JOINED, joined_at=NOW + timedelta(seconds=1)))
    service.handle(refunded.decide, REFUNDED)
    service.handle(refunded.decide, replace(REFUNDED, returned=10_000))
    keys = [(n.member_id, n.type, n.subject) for n in of(CreateNotification, service.sent)]
    assert len(set(keys)) == len(keys) == 6
