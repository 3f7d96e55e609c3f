"""Opening, joining and leaving meetings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.meeting import (
    CancelSeat,
    DeleteMeeting,
    ExpireHold,
    JoinMeeting,
    MeetingCancelled,
    MeetingJoined,
    MeetingOffered,
)
from contracts.payment import ExpirePayment, PaymentCompleted, PaymentFailed, RefundPayment, RefundStep, RegisterPayment
from handlers.meeting import cancel, create, delete, expire, join, release, seat
from handlers.meeting.records import Meeting
from tests.handlers.harness import DAY, NOW, Service, of, problem, result
from tests.handlers.meetings import HOST, check, create_command, joined, opened, place


def paid(order_id: str, meeting_id: int, member_id: int, amount: int = 10_000) -> PaymentCompleted:
    return PaymentCompleted(
        order_id=order_id, meeting_id=meeting_id, member_id=member_id, order_name="x", amount=amount, approved_at=NOW
    )


def failed(order_id: str, meeting_id: int, member_id: int) -> PaymentFailed:
    return PaymentFailed(
        order_id=order_id, meeting_id=meeting_id, member_id=member_id, order_name="x", code="ABORTED", reason="no"
    )


def leave(service: Service, meeting_id: int, member_id: int) -> Any:
    return service.handle(cancel.decide, CancelSeat(meeting_id=meeting_id, member_id=member_id))


def test_a_host_opens_a_meeting_and_takes_its_first_seat() -> None:
    service = Service()
    decision = service.handle(create.decide, create_command())
    view = result(decision)
    assert decision.outcome.status == 201  # type: ignore[union-attr]
    assert (view.status, view.seated, view.seats_left) == ("open", 1, 2)
    assert place(service, view.meeting_id, HOST).host
    check(service)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("$.startsAt", {"starts_at": NOW}),
        ("$.endsAt", {"ends_at": NOW + 7 * DAY}),
        ("$.capacity", {"capacity": 1}),
        ("$.capacity", {"capacity": 10_001}),
        ("$.fee", {"fee": 99}),
        ("$.fee", {"fee": -1}),
        ("$.holdSeconds", {"hold_seconds": 4}),
        ("$.holdSeconds", {"hold_seconds": 1801}),
        ("$.latitude", {"latitude": 90.1}),
        ("$.longitude", {"longitude": float("nan")}),
        ("$.title", {"title": "  "}),
        ("$.title", {"title": "x" * 101}),
        ("$.refundPolicy", {"refund_policy": (RefundStep(hours_before=1, percent=101),)}),
    ],
)
def test_what_is_wrong_with_a_meeting_is_named(field: str, changes: dict[str, Any]) -> None:
    refused = problem(Service().handle(create.decide, create_command(**changes)))
    assert (refused.status, [error.field for error in refused.errors]) == (422, [field])


def test_a_free_seat_is_taken_at_once() -> None:
    service, meeting_id = opened()
    assert joined(service, meeting_id, 2).status == "seated"
    (event,) = of(MeetingJoined, service.sent)
    assert (event.member_id, event.host_id, event.joined_at) == (2, HOST, NOW)
    check(service)


def test_a_paid_seat_is_held_with_an_order_and_a_timer() -> None:
    service, meeting_id = opened(fee=10_000, hold_seconds=600)
    seat_ = joined(service, meeting_id, 2)
    order = f"momo-{meeting_id}-2-1"
    until = NOW + timedelta(seconds=600)
    assert (seat_.status, seat_.order_id, seat_.amount, seat_.hold_expires_at) == ("held", order, 10_000, until)
    (register,) = of(RegisterPayment, service.sent)
    assert (register.order_id, register.amount, register.expires_at) == (order, 10_000, until)
    assert service.timers[f"hold:{order}"].due == until
    assert of(MeetingJoined, service.sent) == []
    check(service)


def test_full_meeting_puts_the_member_on_the_waitlist() -> None:
    service, meeting_id = opened(capacity=2)
    joined(service, meeting_id, 2)
    assert [joined(service, meeting_id, member).position for member in (3, 4)] == [1, 2]
    assert service.get(Meeting, meeting_id).status == "full"
    check(service)


def test_joining_is_refused() -> None:
    service, meeting_id = opened(capacity=3, fee=10_000)
    joined(service, meeting_id, 2)
    command = JoinMeeting(meeting_id=meeting_id, member_id=2)
    assert problem(service.handle(join.decide, command)).status == 409
    assert problem(service.handle(join.decide, JoinMeeting(meeting_id=5, member_id=2))).status == 404
    service.now = NOW + 7 * DAY
    late = JoinMeeting(meeting_id=meeting_id, member_id=9)
    assert "is started" in problem(service.handle(join.decide, late)).title
    service.now = NOW + 8 * DAY
    assert "is finished" in problem(service.handle(join.decide, late)).title


def test_a_cancelled_meeting_is_gone() -> None:
    service, meeting_id = opened()
    service.handle(delete.decide, DeleteMeeting(meeting_id=meeting_id, host_id=HOST))
    assert problem(service.handle(join.decide, JoinMeeting(meeting_id=meeting_id, member_id=2))).status == 410


def test_leaving_promotes_the_first_who_waits() -> None:
    service, meeting_id = opened(capacity=2)
    for member in (2, 3, 4):
        joined(service, meeting_id, member)
    decision = leave(service, meeting_id, 2)
    assert [place(service, meeting_id, m).status for m in (2, 3, 4)] == ["left", "seated", "waiting"]
    assert [e.member_id for e in of(MeetingCancelled, decision.sends)] == [2]
    assert [e.member_id for e in of(MeetingJoined, decision.sends)] == [3]
    check(service)


def test_who_came_first_is_promoted_first_whatever_their_ids() -> None:
    service, meeting_id = opened(capacity=2)
    for member in (2, 9, 5, 7):
        joined(service, meeting_id, member)
    for leaving, promoted in ((2, 9), (9, 5), (5, 7)):
        leave(service, meeting_id, leaving)
        assert place(service, meeting_id, promoted).status == "seated"
    check(service)


def test_leaving_the_waitlist_promotes_nobody() -> None:
    service, meeting_id = opened(capacity=2)
    for member in (2, 3, 4):
        joined(service, meeting_id, member)
    assert leave(service, meeting_id, 3).sends == ()
    assert place(service, meeting_id, 4).status == "waiting"
    check(service)


@pytest.mark.parametrize(("before_start", "minutes"), [(7 * DAY, 30), (timedelta(minutes=10), 10)])
def test_a_promoted_paying_member_gets_an_offer_that_ends_at_the_start(before_start: timedelta, minutes: int) -> None:
    service, meeting_id = opened(capacity=2, fee=10_000)
    joined(service, meeting_id, 2)
    joined(service, meeting_id, 3)
    service.now = NOW + 7 * DAY - before_start
    decision = leave(service, meeting_id, 2)
    until = service.now + timedelta(minutes=minutes)
    (offer,) = of(MeetingOffered, decision.sends)
    assert (offer.member_id, offer.expires_at) == (3, until)
    assert place(service, meeting_id, 3).hold_expires_at == until
    assert [r.order_id for r in of(RegisterPayment, decision.sends)] == [offer.order_id]
    assert service.timers[f"hold:{offer.order_id}"].due == until


def test_leaving_a_hold_ends_its_payment_and_its_timer() -> None:
    service, meeting_id = opened(fee=10_000)
    order = joined(service, meeting_id, 2).order_id
    decision = leave(service, meeting_id, 2)
    assert decision.sends == (ExpirePayment(order_id=str(order)),)
    assert service.timers == {}


def test_leaving_a_paid_seat_is_refunded_by_the_policy() -> None:
    service, meeting_id = opened(fee=10_000)
    order = str(joined(service, meeting_id, 2).order_id)
    service.handle(seat.decide, paid(order, meeting_id, 2))
    decision = leave(service, meeting_id, 2)
    assert of(RefundPayment, decision.sends) == [
        RefundPayment(order_id=order, amount="policy", reason="seat given up", at=NOW)
    ]


def test_leaving_is_refused() -> None:
    service, meeting_id = opened()
    assert problem(leave(service, 5, 2)).status == 404
    assert problem(leave(service, meeting_id, 2)).status == 404
    assert problem(leave(service, meeting_id, HOST)).type == "host-stays"
    joined(service, meeting_id, 2)
    joined(service, meeting_id, 3)
    leave(service, meeting_id, 2)
    assert problem(leave(service, meeting_id, 2)).title == "The place is left and can't become left"
    service.now = NOW + 7 * DAY
    assert problem(leave(service, meeting_id, 3)).status == 409


@pytest.mark.parametrize("ending", ["expire", "fail"])
def test_an_unpaid_hold_passes_on(ending: str) -> None:
    service, meeting_id = opened(capacity=2, fee=10_000)
    order = str(joined(service, meeting_id, 2).order_id)
    joined(service, meeting_id, 3)
    if ending == "expire":
        command = ExpireHold(meeting_id=meeting_id, member_id=2, order_id=order)
        decision = service.handle(expire.decide, command)
        assert ExpirePayment(order_id=order) in decision.sends
    else:
        decision = service.handle(release.decide, failed(order, meeting_id, 2))
        assert f"hold:{order}" not in service.timers
    assert [place(service, meeting_id, m).status for m in (2, 3)] == ["expired", "held"]
    check(service)


def test_an_old_timer_does_not_end_a_new_hold() -> None:
    service, meeting_id = opened(fee=10_000)
    old = str(joined(service, meeting_id, 2).order_id)
    leave(service, meeting_id, 2)
    assert joined(service, meeting_id, 2).order_id == f"momo-{meeting_id}-2-2"
    before = service.snapshot()
    service.handle(expire.decide, ExpireHold(meeting_id=meeting_id, member_id=2, order_id=old))
    service.handle(release.decide, failed(old, meeting_id, 2))
    assert service.snapshot() == before
