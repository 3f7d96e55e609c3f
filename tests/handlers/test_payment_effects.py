"""What is asked of Toss, and how its answers are passed on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contracts.notification import SendNotification
from contracts.payment import ChargePayment, InspectPayment, ReturnPayment, SettlePayment
from handlers.notification import send
from handlers.payment import charge, inspect, pay_back
from momo.actors import World
from momo.toss.client import TossError, TossInProgress, TossNotFound, TossRefused, TossSettled, TossUnavailable
from momo.toss.model import Payment
from tests.handlers.harness import NOW

CHARGE = ChargePayment(order_id="momo-1-2-1", payment_key="tpk", amount=10_000)
RETURN = ReturnPayment(order_id="momo-1-2-1", number=2, payment_key="tpk", amount=4_000, reason="seat given up")
APPROVED = datetime(2030, 5, 1, 12, 0, tzinfo=timezone(timedelta(hours=9)))


class Toss:
    """Answers each call with what it was given for it, and remembers what it was asked."""

    def __init__(self, **answers: Payment | TossError) -> None:
        self._answers = answers
        self.asked: list[tuple[Any, ...]] = []

    async def confirm(self, payment_key: str, order_id: str, amount: int, *, idempotency_key: str) -> Payment:
        return self._answer("confirm", payment_key, order_id, amount, idempotency_key)

    async def cancel(self, payment_key: str, reason: str, amount: int, *, idempotency_key: str) -> Payment:
        return self._answer("cancel", payment_key, reason, amount, idempotency_key)

    async def find_order(self, order_id: str) -> Payment:
        return self._answer("find_order", order_id)

    def _answer(self, call: str, *asked: Any) -> Payment:
        self.asked.append((call, *asked))
        answer = self._answers[call]
        if isinstance(answer, TossError):
            raise answer
        return answer


class Sockets:
    def __init__(self) -> None:
        self.sent: list[SendNotification] = []

    async def send(self, notice: SendNotification) -> None:
        self.sent.append(notice)


def world(toss: Toss, push: Sockets | None = None) -> World:
    return World(toss=toss, push=push or Sockets())  # type: ignore[arg-type]  # it answers like the client


def payment(status: str = "DONE", balance: int = 10_000) -> Payment:
    return Payment(
        payment_key="tpk",
        order_id="momo-1-2-1",
        status=status,
        total_amount=10_000,
        balance_amount=balance,
        approved_at=APPROVED,
    )


def settled(status: str = "DONE", balance: int = 10_000) -> SettlePayment:
    return SettlePayment(
        order_id="momo-1-2-1",
        status=status,
        payment_key="tpk",
        total_amount=10_000,
        balance_amount=balance,
        approved_at=APPROVED.astimezone(UTC),
    )


async def test_a_charge_has_the_orders_own_idempotency_key() -> None:
    toss = Toss(confirm=payment())
    assert await charge.run(CHARGE, world(toss)) == [settled()]
    assert toss.asked == [("confirm", "tpk", "momo-1-2-1", 10_000, "momo-1-2-1:charge")]


async def test_a_refused_charge_is_settled_as_aborted_with_its_code() -> None:
    toss = Toss(confirm=TossRefused("REJECT_CARD_PAYMENT", "한도 초과"))
    (answer,) = await charge.run(CHARGE, world(toss))
    assert (answer.status, answer.payment_key, answer.code, answer.message) == (
        "ABORTED",
        "tpk",
        "REJECT_CARD_PAYMENT",
        "한도 초과",
    )


@pytest.mark.parametrize("error", [TossSettled("ALREADY_PROCESSED_PAYMENT", ""), TossNotFound("NOT_FOUND_PAYMENT", "")])
async def test_a_charge_that_may_have_been_made_is_looked_up(error: TossError) -> None:
    assert await charge.run(CHARGE, world(Toss(confirm=error, find_order=payment()))) == [settled()]


async def test_a_charge_of_nothing_that_toss_knows_is_aborted() -> None:
    missing = TossNotFound("NOT_FOUND_PAYMENT_SESSION", "시간 초과")
    (answer,) = await charge.run(CHARGE, world(Toss(confirm=missing, find_order=missing)))
    assert (answer.status, answer.code) == ("ABORTED", "NOT_FOUND_PAYMENT_SESSION")


async def test_a_repeat_leaves_the_settling_to_the_first_that_is_under_way() -> None:
    busy = TossInProgress("IDEMPOTENT_REQUEST_PROCESSING", "")
    assert await charge.run(CHARGE, world(Toss(confirm=busy))) == []
    assert await pay_back.run(RETURN, world(Toss(cancel=busy))) == []


async def test_an_unknown_fate_is_never_guessed() -> None:
    gone = TossUnavailable("NO_ANSWER", "")
    with pytest.raises(TossUnavailable):
        await charge.run(CHARGE, world(Toss(confirm=gone)))
    with pytest.raises(TossUnavailable):
        await pay_back.run(RETURN, world(Toss(cancel=gone)))
    (answer,) = await inspect.run(InspectPayment(order_id="momo-1-2-1"), world(Toss(find_order=gone)))
    assert (answer.status, answer.code) == ("UNKNOWN", "NO_ANSWER")


async def test_each_refund_has_its_own_idempotency_key() -> None:
    toss = Toss(cancel=payment("PARTIAL_CANCELED", 6_000))
    assert await pay_back.run(RETURN, world(toss)) == [settled("PARTIAL_CANCELED", 6_000)]
    assert toss.asked == [("cancel", "tpk", "seat given up", 4_000, "momo-1-2-1:refund:2")]


@pytest.mark.parametrize("kind", [TossSettled, TossRefused, TossNotFound])
async def test_a_refund_that_was_not_taken_is_looked_up(kind: type[TossError]) -> None:
    toss = Toss(cancel=kind("ALREADY_CANCELED_PAYMENT", ""), find_order=payment("CANCELED", 0))
    assert await pay_back.run(RETURN, world(toss)) == [settled("CANCELED", 0)]


async def test_an_order_that_toss_never_heard_of_is_not_found() -> None:
    toss = Toss(find_order=TossNotFound("NOT_FOUND_PAYMENT", ""))
    (answer,) = await inspect.run(InspectPayment(order_id="momo-1-2-1"), world(toss))
    assert answer.status == "NOT_FOUND"


async def test_a_notice_is_pushed() -> None:
    notice = SendNotification(member_id=2, sequence=1, type="user.followed", content="x", created_at=NOW)
    push = Sockets()
    assert await send.run(notice, world(Toss(), push)) == ()
    assert push.sent == [notice]
