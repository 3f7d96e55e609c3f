"""What becomes of paid seats: the saga, calling off, withdrawing."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from contracts.meeting import (
    CancelSeat,
    DeleteMeeting,
    DismissMembers,
    ExpireHold,
    MeetingDismissed,
    MeetingJoined,
    WithdrawMember,
)
from contracts.payment import ExpirePayment, RefundPayment
from handlers.meeting import delete, dismiss, expire, rules, seat, withdraw
from handlers.meeting.records import Meeting, Participant
from tests.handlers.harness import DAY, NOW, Service, of, problem
from tests.handlers.meetings import HOST, check, joined, opened, place
from tests.handlers.test_meeting_places import leave, paid


def held(capacity: int = 2) -> tuple[Service, int, str]:
    service, meeting_id = opened(capacity=capacity, fee=10_000)
    return service, meeting_id, str(joined(service, meeting_id, 2).order_id)


def lapse(service: Service, meeting_id: int, order: str) -> None:
    service.handle(expire.decide, ExpireHold(meeting_id=meeting_id, member_id=2, order_id=order))


def refunds_in_full(service: Service, order: str) -> bool:
    wanted = RefundPayment(order_id=order, amount="full", reason="no seat for it", at=service.now)
    return of(RefundPayment, service.take_sent()) == [wanted]


def test_a_paid_hold_becomes_a_seat() -> None:
    service, meeting_id, order = held()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    member = place(service, meeting_id, 2)
    assert (member.status, member.paid_amount, member.hold_expires_at) == ("seated", 10_000, None)
    assert service.timers == {}
    assert [event.member_id for event in of(MeetingJoined, service.sent)] == [2]
    check(service)


def test_hearing_twice_of_a_payment_changes_nothing() -> None:
    service, meeting_id, order = held()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    before = service.snapshot()
    assert service.handle(seat.decide, paid(order, meeting_id, 2)).sends == ()
    leave(service, meeting_id, 2)
    # The policy has decided what goes back; a late repeat must not turn it into a full refund.
    assert service.handle(seat.decide, paid(order, meeting_id, 2)).sends == ()
    joined(service, meeting_id, 2)
    assert service.handle(seat.decide, paid(order, meeting_id, 2)).sends == ()
    assert before != service.snapshot()
    check(service)


def test_late_money_takes_a_seat_that_is_still_free() -> None:
    service, meeting_id, order = held()
    lapse(service, meeting_id, order)
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert place(service, meeting_id, 2).status == "seated"
    check(service)


def test_late_money_goes_back_when_the_seat_was_passed_on() -> None:
    service, meeting_id, order = held()
    joined(service, meeting_id, 3)
    lapse(service, meeting_id, order)
    service.take_sent()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert refunds_in_full(service, order)
    assert place(service, meeting_id, 2).status == "expired"
    check(service)


def test_money_of_a_member_who_left_goes_back() -> None:
    service, meeting_id, order = held()
    leave(service, meeting_id, 2)
    service.take_sent()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert refunds_in_full(service, order)
    assert place(service, meeting_id, 2).status == "left"


def test_money_for_an_earlier_hold_does_not_pay_the_present_one() -> None:
    service, meeting_id, order = held()
    lapse(service, meeting_id, order)
    joined(service, meeting_id, 2)
    service.take_sent()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert refunds_in_full(service, order)
    assert place(service, meeting_id, 2).status == "held"


def test_late_money_after_the_start_goes_back() -> None:
    service, meeting_id, order = held()
    lapse(service, meeting_id, order)
    service.take_sent()
    service.now = NOW + 7 * DAY + timedelta(minutes=1)
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert refunds_in_full(service, order)


def test_money_for_nothing_we_know_goes_back() -> None:
    service, meeting_id, _ = held()
    for order, member in (("momo-9-9-1", 9), (f"momo-{meeting_id}-2-x", 2), (f"momo-{meeting_id}-77-1", 2)):
        service.take_sent()
        service.handle(seat.decide, paid(order, meeting_id, member))
        assert refunds_in_full(service, order)


def test_money_that_meets_a_cancelled_meeting_goes_back_and_the_member_is_told() -> None:
    service, meeting_id, order = held()
    service.handle(delete.decide, DeleteMeeting(meeting_id=meeting_id, host_id=HOST))
    service.take_sent()
    service.handle(seat.decide, paid(order, meeting_id, 2))
    assert refunds_in_full(service, order)
    service.handle(dismiss.decide, DismissMembers(meeting_id=meeting_id))
    (told,) = of(MeetingDismissed, service.sent)
    assert told.member_ids == (2,)
    check(service)


def test_only_the_host_calls_a_meeting_off_and_only_once() -> None:
    service, meeting_id = opened()
    stranger = DeleteMeeting(meeting_id=meeting_id, host_id=7)
    assert problem(service.handle(delete.decide, stranger)).status == 403
    assert problem(service.handle(delete.decide, DeleteMeeting(meeting_id=5, host_id=1))).status == 404
    command = DeleteMeeting(meeting_id=meeting_id, host_id=HOST)
    assert service.handle(delete.decide, command).sends == (DismissMembers(meeting_id=meeting_id),)
    again = problem(service.handle(delete.decide, command))
    assert again.title == "The meeting is cancelled and can't become cancelled"


def test_a_started_meeting_is_not_called_off() -> None:
    service, meeting_id = opened()
    service.now = NOW + 7 * DAY
    refused = problem(service.handle(delete.decide, DeleteMeeting(meeting_id=meeting_id, host_id=HOST)))
    assert refused.title == "The meeting is started and can't become cancelled"


def test_members_are_dismissed_each_in_their_way() -> None:
    service, meeting_id, order = held(capacity=3)
    service.handle(seat.decide, paid(order, meeting_id, 2))
    other = str(joined(service, meeting_id, 3).order_id)
    joined(service, meeting_id, 4)
    service.handle(delete.decide, DeleteMeeting(meeting_id=meeting_id, host_id=HOST))
    decision = service.handle(dismiss.decide, DismissMembers(meeting_id=meeting_id))
    assert decision.sends == (
        RefundPayment(order_id=order, amount="full", reason="meeting called off", at=NOW),
        ExpirePayment(order_id=other),
        MeetingDismissed(meeting_id=meeting_id, title="한강 러닝", member_ids=(2, 3, 4)),
    )
    assert service.timers == {}
    assert {p.status for p in service.all(Participant)} == {"dismissed"}
    check(service)


def test_a_big_meeting_is_dismissed_in_chunks_and_then_it_ends() -> None:
    service, meeting_id = opened(capacity=10_000)
    for member in range(2, 2 * rules.CHUNK + 31):
        joined(service, meeting_id, member)
    service.take_sent()
    service.handle(delete.decide, DeleteMeeting(meeting_id=meeting_id, host_id=HOST))
    rounds = 0
    while commands := of(DismissMembers, service.take_sent()):
        rounds += 1
        assert len(commands) == 1
        service.handle(dismiss.decide, commands[0])
        check(service)
        assert rounds < 10
    assert rounds == 3
    assert service.get(Meeting, meeting_id).seated == 0


def test_a_meeting_that_goes_on_dismisses_nobody() -> None:
    service, meeting_id = opened()
    assert problem(service.handle(dismiss.decide, DismissMembers(meeting_id=meeting_id))).status == 409


def test_who_withdraws_gives_up_every_place_in_chunks() -> None:
    service, hosted = opened()
    places = 2 * rules.CHUNK + 5
    for meeting_id in range(5000, 5000 + places):
        template = replace(place(service, hosted, HOST), meeting_id=meeting_id, member_id=HOST, host=False)
        service.put(template)
    queue: list[object] = [WithdrawMember(member_id=HOST)]
    sent: list[object] = []
    rounds = 0
    while queue:
        rounds += 1
        decision = service.handle(withdraw.decide, queue.pop())  # type: ignore[arg-type]
        queue += of(WithdrawMember, decision.sends)
        sent += [message for message in decision.sends if not isinstance(message, WithdrawMember)]
        assert rounds < 10
    assert rounds == 3
    assert DeleteMeeting(meeting_id=hosted, host_id=HOST) in sent
    assert sum(isinstance(message, CancelSeat) for message in sent) == places
    assert len(sent) == places + 1
