"""Whatever is lost, late or doubled between meetings, payments and Toss: nobody is charged and seatless."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.meeting import CancelSeat, JoinMeeting
from handlers.meeting.records import Meeting, Participant
from handlers.payment.records import Payment
from momo.actors import Decision
from tests.handlers.harness import NOW
from tests.handlers.market import Market
from tests.handlers.payments import Payments


def play(random: Random, *, steps: int, capacity: int) -> Market:
    market = Market(random, capacity)
    for _ in range(steps):
        chance = random.random()
        if chance < 0.15:
            market.member(JoinMeeting, random.randint(2, 6))
        elif chance < 0.22:
            market.member(CancelSeat, random.randint(2, 6))
        elif chance < 0.40:
            market.pay()
        elif chance < 0.50:
            market.later(timedelta(seconds=random.choice([1, 20, 61, 700])))
        elif chance < 0.51:
            market.call_off()
        elif market.bag:
            market.turn(faults=True)
    market.settle_down()
    return market


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(min_value=0, max_value=2**32),
    steps=st.integers(min_value=5, max_value=150),
    capacity=st.integers(min_value=2, max_value=4),
)
def test_at_rest_every_won_is_a_seat_and_the_books_agree_with_toss(seed: int, steps: int, capacity: int) -> None:
    market = play(Random(seed), steps=steps, capacity=capacity)
    kept = {order: taken - market.toss.returned.get(order, 0) for order, taken in market.toss.taken.items()}
    books = {
        payment.order_id: payment.amount - payment.returned_amount
        for payment in market.payments.all(Payment)
        if payment.status in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
    }
    assert books == kept
    seated = {
        place.order_id: place.paid_amount
        for place in market.meetings.all(Participant)
        if place.status == "seated" and not place.host
    }
    # The meeting is a week away, so every seat that was given up is paid back in full.
    assert {order: amount for order, amount in kept.items() if amount} == seated
    assert all(payment.status not in ("PENDING", "CONFIRMING") for payment in market.payments.all(Payment))
    assert all(place.status != "held" for place in market.meetings.all(Participant))
    if market.meetings.get(Meeting, market.meeting_id).status == "cancelled":
        assert seated == {}


SNAPSHOTS = st.one_of(
    st.tuples(
        st.sampled_from(["NOT_FOUND", "READY", "IN_PROGRESS", "ABORTED", "EXPIRED", "DONE", "WAITING_FOR_DEPOSIT"]),
        st.just(0),
    ),
    st.tuples(st.just("PARTIAL_CANCELED"), st.integers(min_value=1, max_value=9_999)),
    st.tuples(st.just("CANCELED"), st.just(0)),
    st.tuples(st.sampled_from(["policy", "full", "minutes"]), st.integers(min_value=0, max_value=700)),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(SNAPSHOTS, max_size=25), hours=st.integers(min_value=-1, max_value=48))
def test_money_only_moves_one_way_whatever_the_order_of_snapshots(steps: list[tuple[str, int]], hours: int) -> None:
    service = Payments(starts_at=NOW + timedelta(hours=hours))
    service.confirm()
    returned, paid = 0, False
    for name, number in steps:
        if name == "minutes":
            service.now += timedelta(minutes=number)
            continue
        act = partial(_act, service, name, number)
        act()
        payment = service.payment
        assert returned <= payment.returned_amount <= payment.refunded_amount <= payment.amount
        assert sum(refund.amount for refund in payment.refunds) <= payment.amount
        assert not paid or payment.status in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
        returned, paid = payment.returned_amount, payment.status in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
        before = service.payment
        repeated = act()
        assert service.payment == before
        assert repeated.sends == ()


def _act(service: Payments, name: str, number: int) -> Decision:
    if name in ("policy", "full"):
        return service.refund(name, f"reason {number % 3}")
    return service.settle(name, balance=number)
