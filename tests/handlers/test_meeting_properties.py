"""Whatever happens to a meeting in whatever order: capacity, counters, and first come first served."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.meeting import CancelSeat, DeleteMeeting, DismissMembers, ExpireHold, JoinMeeting
from contracts.payment import PaymentCompleted, PaymentFailed, RegisterPayment
from handlers.meeting import cancel, delete, dismiss, expire, join, release, seat
from handlers.meeting.records import Participant
from tests.handlers.harness import of
from tests.handlers.meetings import HOST, check, opened

MEMBERS = st.integers(min_value=HOST, max_value=7)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["join", "join", "join", "cancel"]), MEMBERS),
    st.tuples(st.sampled_from(["paid", "failed", "expired"]), st.integers(min_value=0, max_value=30)),
    st.tuples(st.sampled_from(["dismiss", "delete"]), st.just(0)),
    st.tuples(st.just("later"), st.integers(min_value=1, max_value=60)),
)


class Play:
    """One meeting, and every order that was ever opened for it: any of them may be paid, fail or expire at any time."""

    def __init__(self, capacity: int, fee: int) -> None:
        self.service, self.meeting_id = opened(capacity=capacity, fee=fee)
        self.orders: list[RegisterPayment] = []

    def step(self, name: str, number: int) -> None:
        waiting = self._waiting()
        match name:
            case "join":
                self.service.handle(join.decide, JoinMeeting(meeting_id=self.meeting_id, member_id=number))
            case "cancel":
                self.service.handle(cancel.decide, CancelSeat(meeting_id=self.meeting_id, member_id=number))
            case "delete":
                self.service.handle(delete.decide, DeleteMeeting(meeting_id=self.meeting_id, host_id=HOST))
            case "dismiss":
                self.service.handle(dismiss.decide, DismissMembers(meeting_id=self.meeting_id))
            case "later":
                self.service.now += timedelta(minutes=number)
            case _ if self.orders:
                self._order(name, self.orders[number % len(self.orders)])
        self.orders += of(RegisterPayment, self.service.take_sent())
        check(self.service)
        # Whoever of the line neither left nor was dismissed is promoted from its head, or still waits in order.
        stayed = [member for member in waiting if self._status(member) in ("seated", "held", "waiting")]
        promoted = [member for member in stayed if self._status(member) != "waiting"]
        assert stayed[: len(promoted)] == promoted

    def _order(self, name: str, order: RegisterPayment) -> None:
        if name == "paid":
            event = PaymentCompleted(
                order_id=order.order_id,
                meeting_id=order.meeting_id,
                member_id=order.member_id,
                order_name=order.order_name,
                amount=order.amount,
                approved_at=self.service.now,
            )
            self.service.handle(seat.decide, event)
            before = self.service.snapshot()
            # After the announcement was handled, a repeat changes nothing and refunds nothing.
            assert self.service.handle(seat.decide, event).sends == ()
            assert self.service.snapshot() == before
        elif name == "failed":
            self.service.handle(
                release.decide,
                PaymentFailed(
                    order_id=order.order_id,
                    meeting_id=order.meeting_id,
                    member_id=order.member_id,
                    order_name=order.order_name,
                    code="X",
                    reason="x",
                ),
            )
        else:
            command = ExpireHold(meeting_id=order.meeting_id, member_id=order.member_id, order_id=order.order_id)
            self.service.handle(expire.decide, command)

    def _waiting(self) -> list[int]:
        places = [place for place in self.service.all(Participant) if place.status == "waiting"]
        return [place.member_id for place in sorted(places, key=lambda place: place.waitlist_no)]

    def _status(self, member_id: int) -> str:
        return self.service.get(Participant, self.meeting_id, member_id).status


@settings(max_examples=150, deadline=None)
@given(
    capacity=st.integers(min_value=2, max_value=4), fee=st.sampled_from([0, 5_000]), steps=st.lists(STEPS, max_size=40)
)
def test_capacity_counters_and_the_waitlist_hold_in_any_order(
    capacity: int, fee: int, steps: list[tuple[str, int]]
) -> None:
    play = Play(capacity, fee)
    for name, number in steps:
        play.step(name, number)


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(STEPS, max_size=25), repeated=STEPS)
def test_an_event_that_comes_twice_changes_nothing(steps: list[tuple[str, int]], repeated: tuple[str, int]) -> None:
    play = Play(3, 5_000)
    for name, number in steps:
        play.step(name, number)
    if repeated[0] in ("paid", "failed", "expired", "delete"):
        play.step(*repeated)
        before = play.service.snapshot()
        if repeated[0] == "paid" or repeated[0] == "delete" or not play.orders:
            play.step(*repeated)
            assert play.service.snapshot() == before
