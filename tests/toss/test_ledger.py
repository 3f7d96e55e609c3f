"""The sandbox's bookkeeping as functions: no server, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momo.toss import model
from momo.toss.model import Payment
from momo.toss.sandbox.idempotency import Answer, Idempotency, Scope
from momo.toss.sandbox.ledger import KST, TAKEN, Ledger, Refusal

NOW = datetime(2025, 7, 1, 12, tzinfo=KST)
ORDERS = ("order-0", "order-1", "other-2")

steps = st.one_of(
    st.tuples(st.just("checkout"), st.sampled_from(ORDERS), st.integers(-1, 50)),
    st.tuples(st.just("confirm"), st.integers(0, 6), st.sampled_from(["right", "wrong"])),
    st.tuples(st.just("cancel"), st.integers(0, 6), st.one_of(st.none(), st.integers(-1, 60))),
    st.tuples(st.just("abort"), st.integers(0, 6), st.none()),
    st.tuples(st.just("expire"), st.integers(0, 6), st.none()),
    st.tuples(st.just("wait"), st.integers(0, 11), st.none()),
)


def play(ledger: Ledger, script: list[tuple[str, int | str, int | str | None]]) -> None:
    """Does each step that the ledger does not refuse."""
    payments: list[Payment] = []
    now = NOW
    for verb, which, value in script:
        if verb == "wait":
            now += timedelta(minutes=int(which))
        elif verb == "checkout":
            try:
                payments.append(ledger.checkout(str(which), int(value or 0), "seat", now))
            except Refusal:
                continue
        elif payments:
            payment = payments[int(which) % len(payments)]
            try:
                if verb == "confirm":
                    amount = payment.total_amount + (value == "wrong")
                    ledger.confirm(payment.payment_key, payment.order_id, amount, now)
                elif verb == "cancel":
                    ledger.cancel(payment.payment_key, "x", None if value is None else int(value), now)
                elif verb == "abort":
                    ledger.abort(payment.payment_key, "INVALID_REJECT_CARD", "no")
                else:
                    ledger.expire(payment.payment_key)
            except Refusal:
                continue


@given(st.lists(steps, max_size=40))
def test_what_was_taken_and_not_returned_is_always_what_can_still_be_cancelled(
    script: list[tuple[str, int | str, int | str | None]],
) -> None:
    announced: list[Payment] = []
    ledger = Ledger(changed=announced.append)
    play(ledger, script)
    for prefix in ("", "order-", *ORDERS):
        books = ledger.statement(prefix)
        assert books.taken - books.returned == sum(payment.balance_amount for payment in books.payments)
        assert books.returned == sum(payment.returned_amount for payment in books.payments)
        assert books.taken == sum(payment.total_amount for payment in books.payments if payment.status in TAKEN)
        assert all(0 <= payment.balance_amount <= payment.total_amount for payment in books.payments)
    for order in ORDERS:
        assert sum(payment.status in TAKEN for payment in ledger.statement(order).payments) <= 1
    assert {payment.payment_key: payment for payment in announced} == {
        payment.payment_key: payment for payment in ledger.statement().payments if payment.status != model.IN_PROGRESS
    }


def test_an_order_paid_with_one_payment_cannot_be_paid_with_another() -> None:
    ledger = Ledger()
    first, second = (ledger.checkout("order-1", 10, "seat", NOW) for _ in range(2))
    ledger.confirm(second.payment_key, "order-1", 10, NOW)
    with pytest.raises(Refusal, match="ALREADY_PROCESSED_PAYMENT"):
        ledger.confirm(first.payment_key, "order-1", 10, NOW)
    assert ledger.find_order("order-1").payment_key == second.payment_key
    with pytest.raises(Refusal, match="ALREADY_PROCESSED_PAYMENT"):
        ledger.checkout("order-1", 10, "seat", NOW)


def test_ten_minutes_after_authentication_a_payment_has_expired() -> None:
    announced: list[Payment] = []
    ledger = Ledger(changed=announced.append)
    payment = ledger.checkout("order-1", 10, "seat", NOW)
    with pytest.raises(Refusal, match="NOT_FOUND_PAYMENT_SESSION"):
        ledger.confirm(payment.payment_key, "order-1", 10, NOW + timedelta(minutes=10, seconds=1))
    assert [payment.status for payment in announced] == [model.EXPIRED]
    in_time = ledger.checkout("order-1", 10, "seat", NOW)
    assert ledger.confirm(in_time.payment_key, "order-1", 10, NOW + timedelta(minutes=10)).status == model.DONE


def test_a_payment_of_another_order_is_refused() -> None:
    ledger = Ledger()
    payment = ledger.checkout("order-1", 10, "seat", NOW)
    with pytest.raises(Refusal, match="INVALID_REQUEST"):
        ledger.confirm(payment.payment_key, "order-2", 10, NOW)


def test_an_answer_is_replayed_for_fifteen_days_and_then_forgotten() -> None:
    memory = Idempotency()
    scope = Scope("key", "sk", "/v1/payments/confirm", "POST")
    assert memory.begin(scope, NOW) is None
    memory.finish(scope, Answer(200, b"first"))
    assert memory.begin(scope, NOW + timedelta(days=15)) == Answer(200, b"first")
    assert memory.begin(scope, NOW + timedelta(days=15, seconds=1)) is None


@pytest.mark.parametrize("field", Scope._fields)
def test_a_request_that_differs_in_key_account_url_or_method_is_another_one(field: str) -> None:
    memory = Idempotency()
    scope = Scope("key", "sk", "/v1/payments/confirm", "POST")
    memory.begin(scope, NOW)
    assert memory.begin(scope._replace(**{field: "other"}), NOW) is None
    with pytest.raises(Refusal, match="IDEMPOTENT_REQUEST_PROCESSING"):
        memory.begin(scope, NOW)
