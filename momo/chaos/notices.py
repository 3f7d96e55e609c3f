"""Which notices are due, by what clients were told and where everybody sits; beside those that are stored. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from momo.chaos.book import Book, Difference
from momo.chaos.evidence import Evidence, Place

Notice = tuple[int, str, str]
"""To which member, of which type, about what (the subject)."""


def notices(book: Book, evidence: Evidence) -> Iterator[Difference]:
    """Every notice that is due and is not there, is there and not due, or is there twice."""
    for (member, kind, subject), count in evidence.notices.items():
        if count > 1:
            yield Difference("doubled", f"member {member} has {count} x {kind} about {subject}")
    yield from _compared(_exact(book, evidence), _of(evidence, *EXACT))
    yield from _follows(book, evidence)
    yield from _seats(book, evidence)
    stored = Counter(member for member, _, _ in evidence.notices.elements())
    for member in sorted(evidence.boxes.keys() | stored.keys() | set(book.members)):
        if member not in evidence.boxes:
            yield Difference("lost", f"member {member} has no mailbox")
        elif evidence.boxes[member] != stored[member]:
            yield Difference(
                "lost", f"member {member}: {stored[member]} notices, the last number {evidence.boxes[member]}"
            )


EXACT = ("meeting.offer", "meeting.cancelled", "payment.completed", "payment.failed", "payment.refunded")


def _exact(book: Book, evidence: Evidence) -> set[Notice]:
    """Notices that follow from where places and payments stand at the end."""
    due: set[Notice] = set()
    hosts = {meeting.meeting_id: meeting.host_id for meeting in evidence.meetings.values()}
    for place in evidence.places:
        if place.status == "dismissed" and place.member_id != hosts.get(place.meeting_id):
            due.add((place.member_id, "meeting.cancelled", f"meeting:{place.meeting_id}"))
    for order in evidence.orders.values():
        subject = f"order:{order.order_id}"
        if order.order_id not in book.orders:  # no join was told of it: the seat became free for who waited
            due.add((order.member_id, "meeting.offer", subject))
        if order.approved and not order.before_payment:
            due.add((order.member_id, "payment.completed", subject))
        if order.status == "FAILED":
            due.add((order.member_id, "payment.failed", subject))
        if order.returned:
            due.add((order.member_id, "payment.refunded", f"{subject}:{order.returned}"))
    return due


def _compared(due: set[Notice], there: set[Notice]) -> Iterator[Difference]:
    for member, kind, subject in sorted(due - there):
        yield Difference("lost", f"member {member} was not told {kind} about {subject}")
    for member, kind, subject in sorted(there - due):
        yield Difference("doubled", f"member {member} was told {kind} about {subject}, which was not due")


def _of(evidence: Evidence, *kinds: str) -> set[Notice]:
    return {notice for notice in evidence.notices if notice[1] in kinds}


def _follows(book: Book, evidence: Evidence) -> Iterator[Difference]:
    """As many notices as follows that were done."""
    there: Counter[tuple[int, int]] = Counter()
    for member, _, subject in _of(evidence, "user.followed"):
        there[int(subject.split(":")[1]), member] += 1
    due = Counter(book.followed)
    for pair in sorted(due.keys() | there.keys()):
        yield from _counted(f"notices that member {pair[0]} follows member {pair[1]}", due[pair], there[pair])


def _seats(book: Book, evidence: Evidence) -> Iterator[Difference]:
    """Everybody is told of a seat once, and the host too; who has a seat was told once more than they have left."""
    joined: dict[tuple[int, int], set[str]] = {}
    hosts: dict[tuple[int, int], set[str]] = {}
    left: Counter[tuple[int, int]] = Counter()
    for member, kind, subject in _of(evidence, "meeting.joined", "meeting.left"):
        _, meeting, _, who, _ = subject.split(":")
        pair = (int(meeting), int(who))
        if kind == "meeting.left":
            left[pair] += 1
        else:
            (joined if member == pair[1] else hosts).setdefault(pair, set()).add(subject)
    places = {(place.meeting_id, place.member_id): place for place in evidence.places if not place.host}
    for pair in sorted(joined.keys() | hosts.keys() | left.keys() | places.keys() | book.joins.keys()):
        told = joined.get(pair, set())
        whose = f"member {pair[1]} in meeting {pair[0]}"
        for subject in sorted(told ^ hosts.get(pair, set())):
            who = "the host" if subject in told else "the member"
            yield Difference("lost", f"{who} was not told meeting.joined about {subject}")
        seated = _is_seated(places.get(pair), told)
        yield from _counted(f"notices of a seat less those of leaving it, {whose}", int(seated), len(told) - left[pair])
        given = book.joins.get(pair, [])
        if len(told) < given.count("seated"):
            yield Difference("lost", f"{whose} was seated {given.count('seated')} times and told {len(told)} times")
        if len(told) > len(given):
            yield Difference("doubled", f"{whose} joined {len(given)} times and was told {len(told)} times")
        if left[pair] > book.leaves.get(pair, 0):
            yield Difference("doubled", f"{whose} left {book.leaves.get(pair, 0)} times, the host heard {left[pair]}")


def _is_seated(place: Place | None, told: set[str]) -> bool:
    """Whether the place is a seat now, or was when the meeting was called off."""
    if place is None or place.status not in ("seated", "dismissed"):
        return False
    subject = f"meeting:{place.meeting_id}:member:{place.member_id}:{_moment(place.joined_at)}"
    return place.status == "seated" or subject in told


def _moment(at: datetime) -> int:
    """Microseconds since 1970, as a subject has them; `at` comes without a zone from the database, and is UTC."""
    return round(at.replace(tzinfo=UTC).timestamp() * 1_000_000)


def _counted(what: str, due: int, there: int) -> Iterator[Difference]:
    if due != there:
        yield Difference("lost" if there < due else "doubled", f"{what}: {due} are due, {there} are there")
