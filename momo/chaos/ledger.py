"""The ledger: the rig's book beside the evidence; every difference as a plain sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from momo.chaos.book import Book, Difference
from momo.chaos.commands import commands
from momo.chaos.evidence import Evidence, Meeting, Order, Place
from momo.chaos.notices import notices

ACTIVE = ("seated", "held", "waiting")


def differences(book: Book, evidence: Evidence) -> list[Difference]:
    """What differs: first what the clients saw, then commands, order, seats, money, notices, machinery."""
    return [
        *book.seen,
        *commands(book, evidence),
        *_order(book, evidence),
        *_seats(book, evidence),
        *_money(book, evidence),
        *notices(book, evidence),
        *_machinery(book, evidence),
    ]


def _order(book: Book, evidence: Evidence) -> Iterator[Difference]:
    """The state that the last act of each member has left."""
    for (follower, followee), stream in book.follows.items():
        if (stream.state == "in") != ((follower, followee) in evidence.follows):
            text = f"member {follower} should be {stream.state} among the followers of {followee}"
            yield Difference("order_breaks", f"after {stream.acts} acts {text}")
    places = {(place.meeting_id, place.member_id): place for place in evidence.places}
    for (meeting_id, member_id), stream in book.places.items():
        place = places.get((meeting_id, member_id))
        status = "nowhere" if place is None else place.status
        inside = (*ACTIVE, "dismissed", *(("expired",) if stream.loose else ()))
        outside = ("nowhere", "left", *(("expired",) if stream.loose else ()))
        allowed = {"in": inside, "out": outside, "unknown": (*inside, *outside)}[stream.state]
        if status not in allowed:
            yield Difference(
                "order_breaks",
                f"member {member_id} in meeting {meeting_id}: after {stream.acts} acts they should be {stream.state},"
                f" and are {status}",
            )


def _seats(book: Book, evidence: Evidence) -> Iterator[Difference]:
    rows = Counter((place.meeting_id, place.status) for place in evidence.places)
    oversold = set(book.oversold)
    for meeting in evidence.meetings.values():
        counted = {status: rows[meeting.meeting_id, status] for status in ACTIVE}
        kept = {"seated": meeting.seated, "held": meeting.held, "waiting": meeting.waiting}
        if counted != kept:
            yield Difference("lost", f"meeting {meeting.meeting_id} counts {kept}, its rows are {counted}")
        if meeting.status != "cancelled" and counted["seated"] + counted["held"] > meeting.capacity:
            oversold.add(meeting.meeting_id)
        if meeting.status == "cancelled" and any(counted.values()):
            yield Difference("stuck", f"meeting {meeting.meeting_id} was called off, and there are still {counted}")
        elif counted["held"] or counted["waiting"]:
            yield Difference("stuck", f"meeting {meeting.meeting_id} still has {counted}")
        ours = book.meetings.get(meeting.meeting_id)
        if ours is not None and ours.called_off != (meeting.status == "cancelled"):
            yield Difference("lost", f"meeting {meeting.meeting_id} is {meeting.status} against its host's last word")
    for meeting_id in sorted(oversold):
        yield Difference("oversold", f"meeting {meeting_id} had more members seated or held than seats")
    for member_id in evidence.wrong_counters:
        yield Difference("lost", f"member {member_id}: the follower counters differ from the rows")


def _money(book: Book, evidence: Evidence) -> Iterator[Difference]:
    seats = {place.order_id: place for place in evidence.places if place.status == "seated" and place.order_id}
    for order_id in sorted(book.orders - evidence.orders.keys()):
        yield Difference("lost", f"order {order_id} was held for a member, and its payment was never opened")
    for order_id in sorted(evidence.toss.keys() | evidence.orders.keys()):
        order, there = evidence.orders.get(order_id), evidence.toss.get(order_id, (0, 0))
        ours = (order.amount * order.approved, order.returned) if order is not None else (0, 0)
        if apart := _apart(ours, there):
            text = f"order {order_id}: MOMO's books have taken and returned {ours} KRW, Toss {there}"
            yield Difference("books_differ_by", text, apart)
        if order is None:
            continue
        if order.status in ("PENDING", "CONFIRMING"):
            yield Difference("stuck", f"order {order_id} is still {order.status}")
        if order.refunded != order.returned:
            yield Difference("stuck", f"order {order_id}: {order.refunded} KRW are to go back, {order.returned} have")
        yield from _seat_or_money(order, there[0] - there[1], seats.get(order_id), evidence.meetings)


def _seat_or_money(order: Order, paid: int, seat: Place | None, meetings: dict[int, Meeting]) -> Iterator[Difference]:
    """Whoever has paid has a seat, whoever has none has it all back: nobody leaves so late that it costs them."""
    due = 0 if seat is None or order.meeting_id not in meetings else meetings[order.meeting_id].fee
    if paid != due:
        place = "no seat" if seat is None else "a seat"
        text = f"order {order.order_id} of member {order.member_id}: Toss keeps {paid} KRW for {place}"
        yield Difference("books_differ_by", text, abs(paid - due))


def _apart(ours: tuple[int, int], there: tuple[int, int]) -> int:
    return abs(ours[0] - there[0]) + abs(ours[1] - there[1])


def _machinery(book: Book, evidence: Evidence) -> Iterator[Difference]:
    for line in evidence.waiting:
        yield Difference("stuck", line)
    dead = {letter.message_id: letter for letter in evidence.dead}
    for letter in dead.values():
        if book.planted.get(letter.message_id) != letter.queue:
            yield Difference("lost", f"{letter.queue} has message {letter.message_id} ({letter.reason})")
    for message_id, queue in book.planted.items():
        if message_id not in dead:
            yield Difference("lost", f"the poison {message_id} is not in {queue}")
