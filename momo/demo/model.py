"""The demo's own model of the day: who sits where, whose money is where, and which notices are due."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from contracts.meeting import Seat

Due = tuple[str, int | None]
"""A notice that must come: of which type, about which meeting."""


class Order(msgspec.Struct, kw_only=True):
    """What the member has paid and got back, in KRW."""

    meeting_id: int
    member_id: int
    taken: int = 0
    returned: int = 0


class Meeting(msgspec.Struct, kw_only=True):
    """One meeting. `fee` in KRW; who leaves now gets `percent` of it. The host has a seat and is not in `seated`;
    `waiting` maps members to their place in line."""

    meeting_id: int
    title: str
    host_id: int
    capacity: int
    fee: int
    percent: int
    seated: set[int] = msgspec.field(default_factory=set)
    held: set[int] = msgspec.field(default_factory=set)
    waiting: dict[int, int] = msgspec.field(default_factory=dict)
    cancelled: bool = False

    @property
    def path(self) -> str:
        return f"/api/v2/meetings/{self.meeting_id}"

    @property
    def line(self) -> list[int]:
        """Who waits, first in line first."""
        return sorted(self.waiting, key=self.waiting.__getitem__)

    def race(self) -> list[str]:
        """What is wrong after everybody has asked for a seat at once and nobody has left."""
        taken, seats = len(self.seated) + len(self.held), self.capacity - 1
        wrong = []
        if taken > seats:
            wrong.append(f"{self}: {taken} members were given {seats} seats")
        if taken < seats and self.waiting:
            wrong.append(f"{self}: {len(self.waiting)} members wait while only {taken} of {seats} seats are taken")
        if sorted(self.waiting.values()) != list(range(1, len(self.waiting) + 1)):
            wrong.append(f"{self}: the places in line are {sorted(self.waiting.values())}")
        return wrong

    def __str__(self) -> str:
        return f"meeting {self.meeting_id} '{self.title}'"


class Model:
    """Told of each act as soon as MOMO has accepted it; says what must follow. `due` has, by member, how many notices
    of each kind."""

    def __init__(self) -> None:
        self.meetings: dict[int, Meeting] = {}
        self.orders: dict[str, Order] = {}
        self.due: defaultdict[int, Counter[Due]] = defaultdict(Counter)

    def followed(self, followee_id: int) -> None:
        self.due[followee_id]["user.followed", None] += 1

    def opened(self, meeting: Meeting) -> None:
        self.meetings[meeting.meeting_id] = meeting

    def joined(self, meeting: Meeting, member_id: int, seat: Seat) -> None:
        if seat.status == "seated":
            self._seat(meeting, member_id)
        elif seat.status == "held":
            meeting.held.add(member_id)
        else:
            meeting.waiting[member_id] = seat.position or 0

    def paid(self, meeting: Meeting, member_id: int, order_id: str) -> None:
        """The payment of a held seat has been confirmed in time."""
        self.orders[order_id] = Order(meeting_id=meeting.meeting_id, member_id=member_id, taken=meeting.fee)
        self._tell(member_id, "payment.completed", meeting)
        self._seat(meeting, member_id)

    def paid_late(self, meeting: Meeting, member_id: int, order_id: str) -> int | None:
        """The hold ended under a payment and the seat went to the first who waits (returned): all is given back."""
        fee = meeting.fee
        self.orders[order_id] = Order(meeting_id=meeting.meeting_id, member_id=member_id, taken=fee, returned=fee)
        self._tell(member_id, "payment.completed", meeting)
        self._tell(member_id, "payment.refunded", meeting)
        meeting.held.discard(member_id)
        return self._promote(meeting)

    def rejected(self, meeting: Meeting, member_id: int, order_id: str) -> int | None:
        """The card was rejected: no money moved; the seat is offered to the first who waits (returned)."""
        self.orders[order_id] = Order(meeting_id=meeting.meeting_id, member_id=member_id)
        self._tell(member_id, "payment.failed", meeting)
        meeting.held.discard(member_id)
        return self._promote(meeting)

    def left(self, meeting: Meeting, member_id: int) -> int | None:
        """A seat, or a place in line, was given up; who moves up."""
        if meeting.waiting.pop(member_id, None) is not None:
            return None
        meeting.seated.discard(member_id)
        self._tell(meeting.host_id, "meeting.left", meeting)
        self._refund(meeting, member_id, meeting.percent)
        return self._promote(meeting)

    def called_off(self, meeting: Meeting) -> None:
        for member_id in (*meeting.seated, *meeting.held, *meeting.waiting):
            self._tell(member_id, "meeting.cancelled", meeting)
        for member_id in meeting.seated:
            self._refund(meeting, member_id, 100)
        meeting.seated.clear()
        meeting.held.clear()
        meeting.waiting.clear()
        meeting.cancelled = True

    def _seat(self, meeting: Meeting, member_id: int) -> None:
        meeting.held.discard(member_id)
        meeting.seated.add(member_id)
        self._tell(member_id, "meeting.joined", meeting)
        self._tell(meeting.host_id, "meeting.joined", meeting)

    def _promote(self, meeting: Meeting) -> int | None:
        if not meeting.waiting:
            return None
        first = meeting.line[0]
        del meeting.waiting[first]
        if meeting.fee == 0:
            self._seat(meeting, first)
        else:
            meeting.held.add(first)
            self._tell(first, "meeting.offer", meeting)
        return first

    def _refund(self, meeting: Meeting, member_id: int, percent: int) -> None:
        for order in self.orders.values():
            if (order.meeting_id, order.member_id) != (meeting.meeting_id, member_id) or order.taken == order.returned:
                continue
            back = min(order.taken * percent // 100, order.taken - order.returned)
            order.returned += back
            if back:
                self._tell(member_id, "payment.refunded", meeting)

    def _tell(self, member_id: int, kind: str, meeting: Meeting) -> None:
        self.due[member_id][kind, meeting.meeting_id] += 1
