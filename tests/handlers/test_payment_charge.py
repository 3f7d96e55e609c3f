"""Payments from their opening to the money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.payment import ChargePayment, ExpirePayment, PaymentCompleted, PaymentFailed
from handlers.payment import expire
from momo.actors import NotYet
from tests.handlers.harness import NOW, Service, of, problem, result
from tests.handlers.payments import KEY, ORDER, Payments, completed

CHARGE = ChargePayment(order_id=ORDER, payment_key=KEY, amount=10_000)
MINUTE = timedelta(minutes=1)


def lapse(service: Service) -> None:
    service.handle(expire.decide, ExpirePayment(order_id=ORDER))


def test_a_payment_opens_pending_and_expires_with_its_hold() -> None:
    service = Payments()
    assert service.payment.status == "PENDING"
    service.now = NOW + 10 * MINUTE
    assert service.take_due() == [ExpirePayment(order_id=ORDER)]


def test_registering_twice_changes_nothing() -> None:
    service = Payments()
    service.confirm()
    before = service.snapshot()
    service.register()
    assert service.snapshot() == before


def test_confirming_orders_the_charge_once() -> None:
    service = Payments()
    decision = service.confirm()
    assert result(decision).status == "CONFIRMING"
    assert decision.sends == (CHARGE,)
    assert {key: timer.due for key, timer in service.timers.items()} == {f"inspect:{ORDER}": NOW + MINUTE}
    again = service.confirm()
    assert (result(again).status, again.sends) == ("CONFIRMING", ())


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"member_id": 3}, 403),
        ({"amount": 9_999}, 422),
        ({"payment_key": ""}, 422),
        ({"payment_key": "a b"}, 422),
        ({"payment_key": "x" * 201}, 422),
    ],
)
def test_a_wrong_confirmation_is_refused(changes: dict[str, Any], status: int) -> None:
    assert problem(Payments().confirm(**changes)).status == status


def test_a_confirmation_that_overtakes_its_registration_waits_and_is_refused_at_last() -> None:
    service = Payments()
    with pytest.raises(NotYet):
        service.confirm(order_id="momo-9-9-9")
    service.last_try = True
    assert problem(service.confirm(order_id="momo-9-9-9")).status == 404


def test_another_key_while_one_is_under_way_is_refused() -> None:
    service = Payments()
    service.confirm()
    assert problem(service.confirm(payment_key="tpk_2")).status == 409


def test_an_expired_or_failed_payment_cannot_be_confirmed() -> None:
    service = Payments()
    lapse(service)
    assert problem(service.confirm()).status == 410
    service = Payments()
    service.confirm()
    service.settle("ABORTED")
    assert problem(service.confirm()).status == 409


def test_a_completed_payment_answers_a_repeated_confirm() -> None:
    assert result(completed().confirm()).status == "COMPLETED"


def test_done_completes_the_payment_and_is_announced_once() -> None:
    service = Payments()
    service.confirm()
    decision = service.settle("DONE", approved_at=NOW)
    assert decision.sends == (
        PaymentCompleted(
            order_id=ORDER, meeting_id=1001, member_id=2, order_name="한강 러닝", amount=10_000, approved_at=NOW
        ),
    )
    assert service.timers == {}
    before = service.snapshot()
    assert service.settle("DONE", approved_at=NOW).sends == ()
    assert service.snapshot() == before


@pytest.mark.parametrize("status", ["ABORTED", "EXPIRED"])
def test_a_refused_charge_fails_the_payment_and_is_announced_once(status: str) -> None:
    service = Payments()
    service.confirm()
    decision = service.settle(status, code="REJECT_CARD_PAYMENT", message="한도 초과")
    (failed,) = of(PaymentFailed, decision.sends)
    assert (failed.code, failed.reason) == ("REJECT_CARD_PAYMENT", "한도 초과")
    assert service.settle(status).sends == ()
    assert service.timers == {}


@pytest.mark.parametrize("late", ["ABORTED", "EXPIRED", "NOT_FOUND", "IN_PROGRESS"])
def test_nothing_unsees_money(late: str) -> None:
    service = completed()
    before = service.snapshot()
    assert service.settle(late).sends == ()
    assert service.snapshot() == before


@pytest.mark.parametrize("ending", ["expired", "failed"])
def test_late_money_is_announced(ending: str) -> None:
    service = Payments()
    if ending == "expired":
        lapse(service)
    else:
        service.confirm()
        service.settle("ABORTED")
    assert len(of(PaymentCompleted, service.settle("DONE").sends)) == 1
    assert (service.payment.status, service.payment.failure_code) == ("COMPLETED", "")


def test_a_failed_try_with_another_key_does_not_end_the_one_under_way() -> None:
    service = Payments()
    service.confirm()
    service.settle("ABORTED", payment_key="tpk_earlier")
    assert service.payment.status == "CONFIRMING"


@pytest.mark.parametrize("status", ["NOT_FOUND", "READY", "IN_PROGRESS"])
def test_a_charge_without_an_answer_is_ordered_again_until_its_window_closes(status: str) -> None:
    service = Payments()
    service.confirm()
    service.now = NOW + MINUTE
    assert service.settle(status).sends == (CHARGE,)
    assert service.timers[f"inspect:{ORDER}"].due == NOW + 2 * MINUTE
    service.now = NOW + 10 * MINUTE
    (failed,) = of(PaymentFailed, service.settle(status).sends)
    assert failed.code == "CONFIRM_TIMED_OUT"
    # The snapshot may be older than Toss's last chance to take the money.
    assert service.timers[f"inspect:{ORDER}"].due == NOW + 70 * MINUTE


def test_while_toss_cannot_be_asked_nothing_is_concluded_and_the_looking_goes_on() -> None:
    service = Payments()
    service.confirm()
    service.now = NOW + 20 * MINUTE
    before = service.payment
    assert service.settle("UNKNOWN").sends == ()
    assert service.payment == before
    assert service.timers[f"inspect:{ORDER}"].due == NOW + 21 * MINUTE


def test_a_charge_just_ordered_is_not_ordered_again_at_each_glance() -> None:
    service = Payments()
    service.confirm()
    assert service.settle("IN_PROGRESS").sends == ()
    assert f"inspect:{ORDER}" in service.timers


def test_a_confirmed_payment_does_not_expire() -> None:
    service = Payments()
    service.confirm()
    lapse(service)
    assert service.payment.status == "CONFIRMING"


def test_expiring_what_is_not_registered_yet_is_harmless() -> None:
    service = Service()
    lapse(service)
    assert service.snapshot() == {"timers": {}}


def test_another_amount_than_asked_is_for_a_person_to_see() -> None:
    service = Payments()
    service.confirm()
    with pytest.raises(ValueError, match="Toss took 9999 KRW for order"):
        service.settle("DONE", total_amount=9_999)


def test_an_order_we_never_opened_is_refused() -> None:
    assert problem(Payments().settle("DONE", order_id="momo-9-9-9")).status == 404
