"""Money on its way back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.payment import PaymentCompleted, PaymentRefunded, RefundStep, ReturnPayment
from handlers.payment import rules
from tests.handlers.harness import DAY, NOW, of, problem
from tests.handlers.payments import KEY, ORDER, Payments, completed

HOUR = timedelta(hours=1)


def returning(number: int, amount: int, reason: str = "seat given up") -> ReturnPayment:
    return ReturnPayment(order_id=ORDER, number=number, payment_key=KEY, amount=amount, reason=reason)


@pytest.mark.parametrize(
    ("hours", "paid_back"), [(100, 10_001), (24, 10_001), (23.9, 5_000), (6, 5_000), (5.9, 0), (0, 0), (-1, 0)]
)
def test_the_policy_pays_by_the_hours_that_are_left(hours: float, paid_back: int) -> None:
    policy = (RefundStep(hours_before=6, percent=50), RefundStep(hours_before=24, percent=100))
    assert rules.by_policy(10_001, policy, NOW - hours * HOUR, NOW) == paid_back


def test_a_refund_is_numbered_and_looked_after() -> None:
    service = completed()
    service.now = NOW + 7 * DAY - 10 * HOUR
    assert service.refund("policy").sends == (returning(1, 5_000),)
    assert service.payment.refunded_amount == 5_000
    assert f"inspect:{ORDER}" in service.timers


def test_the_rest_is_refunded_after_a_part() -> None:
    service = completed()
    service.now = NOW + 7 * DAY - 10 * HOUR
    service.refund("policy")
    assert service.refund("full", "meeting called off").sends == (returning(2, 5_000, "meeting called off"),)
    assert service.refund("full", "once more").sends == ()


def test_one_reason_refunds_once() -> None:
    service = completed()
    service.now = NOW + 7 * DAY - 10 * HOUR
    service.refund("policy")
    before = service.snapshot()
    assert service.refund("policy").sends == ()
    assert service.snapshot() == before


def test_a_policy_that_pays_nothing_changes_nothing() -> None:
    service = completed()
    service.now = NOW + 7 * DAY - HOUR
    before = service.snapshot()
    assert service.refund("policy").sends == ()
    assert service.snapshot() == before


def test_a_payment_that_was_not_begun_expires_instead() -> None:
    service = Payments()
    assert service.refund("full").sends == ()
    assert service.payment.status == "EXPIRED"


def test_a_refund_that_overtakes_the_charge_is_made_when_it_is_known() -> None:
    service = Payments()
    service.confirm()
    service.refund("full")
    decision = service.settle("DONE")
    assert [order.amount for order in of(ReturnPayment, decision.sends)] == [10_000]
    assert of(PaymentCompleted, decision.sends) == []
    assert f"inspect:{ORDER}" in service.timers
    service.settle("CANCELED")
    assert (service.payment.status, service.timers) == ("REFUNDED", {})


def test_a_refund_of_nothing_known_is_refused() -> None:
    assert problem(Payments().refund("full", order_id="momo-9-9-9")).status == 404


def test_what_came_back_is_announced_once() -> None:
    service = completed()
    service.refund("full")
    decision = service.settle("PARTIAL_CANCELED", balance=4_000)
    (part,) = of(PaymentRefunded, decision.sends)
    assert (part.amount, part.returned, part.remaining, part.reason) == (6_000, 6_000, 4_000, "seat given up")
    assert (service.payment.status, f"inspect:{ORDER}" in service.timers) == ("PARTIALLY_REFUNDED", True)
    assert of(PaymentRefunded, service.settle("PARTIAL_CANCELED", balance=4_000).sends) == []
    (rest,) = of(PaymentRefunded, service.settle("CANCELED").sends)
    assert (rest.amount, rest.remaining) == (4_000, 0)
    assert (service.payment.status, service.timers) == ("REFUNDED", {})
    # An older snapshot comes in last.
    assert service.settle("DONE").sends == ()
    assert service.payment.returned_amount == 10_000


def test_a_refund_that_does_not_come_through_is_ordered_again_ever_more_rarely() -> None:
    service = completed()
    service.refund("full")
    assert service.settle("DONE").sends == ()
    pauses = []
    for _ in range(9):
        due = service.timers[f"inspect:{ORDER}"].due
        pauses.append((due - service.now).total_seconds() / 60)
        service.now = due
        assert service.settle("DONE").sends == (returning(1, 10_000),)
    assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_only_what_is_still_owed_is_ordered_again() -> None:
    service = completed()
    service.now = NOW + 7 * DAY - 10 * HOUR
    service.refund("policy")
    service.settle("PARTIAL_CANCELED", balance=5_000)
    service.refund("full", "meeting called off")
    service.now += timedelta(minutes=2)
    assert service.settle("PARTIAL_CANCELED", balance=5_000).sends == (returning(2, 5_000, "meeting called off"),)


def test_a_cancel_in_the_providers_console_is_taken_over() -> None:
    service = completed()
    decision = service.settle("PARTIAL_CANCELED", balance=7_000)
    assert [(e.amount, e.reason) for e in of(PaymentRefunded, decision.sends)] == [(3_000, "cancelled at the provider")]
    assert service.payment.refunded_amount == 3_000
    assert service.refund("full").sends == (returning(1, 7_000),)
