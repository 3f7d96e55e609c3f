"""Meetings, payments and a Toss of a few lines, joined by messages that come late, twice and in any order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from contracts.base import Message
from contracts.meeting import CancelSeat, DeleteMeeting, DismissMembers, ExpireHold, JoinMeeting
from contracts.payment import (
    ChargePayment,
    ConfirmPayment,
    ExpirePayment,
    InspectPayment,
    PaymentCompleted,
    PaymentFailed,
    RefundPayment,
    RegisterPayment,
    ReturnPayment,
    SettlePayment,
)
from handlers.meeting import cancel, delete, dismiss, expire, join, release, seat
from handlers.payment import confirm, refund, register, settle
from handlers.payment import expire as expire_payment
from handlers.payment.records import Payment
from handlers.payment.rules import CONFIRM_WINDOW, UNKNOWN
from momo.actors import Decision
from tests.handlers.harness import Service
from tests.handlers.meetings import HOST, check, opened

MEETING: dict[type[Message], Callable[..., Decision]] = {
    JoinMeeting: join.decide,
    CancelSeat: cancel.decide,
    DeleteMeeting: delete.decide,
    DismissMembers: dismiss.decide,
    ExpireHold: expire.decide,
    PaymentCompleted: seat.decide,
    PaymentFailed: release.decide,
}
PAYMENT: dict[type[Message], Callable[..., Decision]] = {
    RegisterPayment: register.decide,
    ConfirmPayment: confirm.decide,
    SettlePayment: settle.decide,
    ExpirePayment: expire_payment.decide,
    RefundPayment: refund.decide,
}


class Ledger:
    """What Toss has taken and given back, by order; a key answers once and then repeats itself."""

    def __init__(self, random: Random) -> None:
        self.taken: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self._refunds: set[tuple[str, int]] = set()
        self._refused: set[str] = set()
        self._random = random

    def charge(self, command: ChargePayment, *, in_time: bool) -> None:
        if command.order_id in self.taken or command.order_id in self._refused:
            return
        if not in_time or self._random.random() < 0.2:
            self._refused.add(command.order_id)
        else:
            self.taken[command.order_id] = command.amount

    def give_back(self, command: ReturnPayment) -> None:
        key = (command.order_id, command.number)
        if key not in self._refunds:
            self._refunds.add(key)
            self.returned[command.order_id] = self.returned.get(command.order_id, 0) + command.amount
            assert self.returned[command.order_id] <= self.taken[command.order_id]

    def snapshot(self, order_id: str) -> SettlePayment:
        taken, returned = self.taken.get(order_id, 0), self.returned.get(order_id, 0)
        if taken == 0:
            status = "ABORTED" if order_id in self._refused else "NOT_FOUND"
        else:
            status = "DONE" if returned == 0 else "CANCELED" if returned == taken else "PARTIAL_CANCELED"
        return SettlePayment(
            order_id=order_id, status=status, total_amount=taken, balance_amount=taken - returned, payment_key="tpk"
        )


class Market:
    """One paid meeting in a week. `bag` holds what is under way; each turn one message of it is handled, at random,
    and may stay in the bag to be handled again."""

    def __init__(self, random: Random, capacity: int) -> None:
        self.meetings, self.meeting_id = opened(capacity=capacity, fee=10_000, hold_seconds=60)
        self.payments = Service()
        self.toss = Ledger(random)
        self.bag: list[Message] = []
        self._random = random

    def later(self, step: timedelta) -> None:
        for service in (self.meetings, self.payments):
            service.now += step
            self.bag += service.take_due()

    def turn(self, *, faults: bool) -> None:
        """Handles one message under way."""
        index = self._random.randrange(len(self.bag))
        twice = faults and self._random.random() < 0.2
        message = self.bag[index] if twice else self.bag.pop(index)
        if type(message) in MEETING:
            self.meetings.handle(MEETING[type(message)], message)
            check(self.meetings)
        elif type(message) in PAYMENT:
            self.payments.handle(PAYMENT[type(message)], message)
            self._check_money()
        else:
            self._effect(message, lost=faults and self._random.random() < 0.2)
        self.bag += self.meetings.take_sent() + self.payments.take_sent()

    def settle_down(self) -> None:
        """Lets everything come to rest: what is under way, and every timer for hours on end."""
        turns = 0
        for _ in range(40):
            while self.bag:
                self.turn(faults=False)
                turns += 1
                assert turns < 10_000, f"this never ends: {self.bag}"
            self.later(timedelta(minutes=15))
        assert self.bag == []

    def pay(self) -> None:
        """A member pays some order, perhaps one whose time is over."""
        orders = self.payments.all(Payment)
        if orders:
            order = self._random.choice(orders)
            self.bag.append(
                ConfirmPayment(
                    member_id=order.member_id, order_id=order.order_id, payment_key="tpk", amount=order.amount
                )
            )

    def member(self, act: type[JoinMeeting | CancelSeat], member_id: int) -> None:
        self.bag.append(act(meeting_id=self.meeting_id, member_id=member_id))

    def call_off(self) -> None:
        self.bag.append(DeleteMeeting(meeting_id=self.meeting_id, host_id=HOST))

    def _effect(self, message: Message, *, lost: bool) -> None:
        match message:
            case ChargePayment(order_id=order_id):
                begun = self.payments.get(Payment, order_id).confirm_started_at
                assert begun is not None
                self.toss.charge(message, in_time=self.payments.now - begun < CONFIRM_WINDOW)
            case ReturnPayment(order_id=order_id):
                self.toss.give_back(message)
            case InspectPayment(order_id=order_id):
                pass
            case _:
                return  # an announcement that neither of the two services subscribes to
        if not lost:
            self.bag.append(self.toss.snapshot(order_id))
        elif isinstance(message, InspectPayment):
            self.bag.append(SettlePayment(order_id=order_id, status=UNKNOWN))

    def _check_money(self) -> None:
        for payment in self.payments.all(Payment):
            assert 0 <= payment.returned_amount <= payment.refunded_amount <= payment.amount
            assert payment.returned_amount <= self.toss.returned.get(payment.order_id, 0)
