"""The audit: the model of the day beside the evidence; every difference as a plain sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from momo.demo.facts import Box, Evidence
from momo.demo.model import Due, Meeting, Model
from momo.demo.sandbox import Statement
from momo.queries import audit

_TAKEN_AT_TOSS = ("DONE", "PARTIAL_CANCELED", "CANCELED")
_TAKEN_BY_THE_BOOKS = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")


def differences(model: Model, evidence: Evidence) -> list[str]:
    """What differs, in the order seats, money, notices, machinery."""
    return [*_seats(model, evidence), *_money(model, evidence), *_notices(model, evidence), *_machinery(evidence)]


def _seats(model: Model, evidence: Evidence) -> Iterator[str]:
    found = {meeting.meeting_id: meeting for meeting in evidence.facts.meetings}
    for meeting_id, expected in model.meetings.items():
        if meeting_id not in found:
            yield f"{expected} is not in the database"
        else:
            yield from _meeting(expected, found[meeting_id])
    ours = set(model.due)
    for user_id in evidence.facts.users.wrong_counters:
        if user_id in ours:
            yield f"member {user_id}: the follower counters differ from the rows"


def _meeting(expected: Meeting, found: audit.Meeting) -> Iterator[str]:
    if found.seated_rows + found.held_rows > expected.capacity:
        yield f"{expected}: {found.seated_rows} seated and {found.held_rows} held in {expected.capacity} seats"
    for name in ("seated", "held", "waiting"):
        counter, rows = getattr(found, name), getattr(found, f"{name}_rows")
        if counter != rows:
            yield f"{expected}: the counter says {counter} {name}, the rows {rows}"
    seated = 0 if expected.cancelled else len(expected.seated) + 1
    wanted = (seated, len(expected.held), len(expected.waiting))
    if (found.seated_rows, found.held_rows, found.waiting_rows) != wanted:
        yield (
            f"{expected}: {found.seated_rows} seated, {found.held_rows} held and {found.waiting_rows} waiting;"
            f" the day makes it {wanted[0]}, {wanted[1]} and {wanted[2]}"
        )
    full = seated + len(expected.held) >= expected.capacity
    status = "cancelled" if expected.cancelled else "full" if full else "open"
    if found.status != status:
        yield f"{expected} is {found.status}, the day makes it {status}"


def _money(model: Model, evidence: Evidence) -> Iterator[str]:
    books = {order.order_id: order for order in evidence.facts.orders if order.meeting_id in model.meetings}
    toss: dict[str, tuple[int, int]] = {}
    for meeting_id, ledger in evidence.ledgers.items():
        moved = _moved(ledger)
        toss |= moved
        journal, payments = (ledger.taken, ledger.returned), _sum(moved.values())
        if journal != payments:
            yield f"meeting {meeting_id}: Toss's journal has taken and returned {journal} KRW, its payments {payments}"
    for order_id in sorted({*books, *toss, *model.orders}):
        here, there, wanted = books.get(order_id), toss.get(order_id, (0, 0)), model.orders.get(order_id)
        if here is not None and here.refunded != here.returned:
            yield f"order {order_id}: {here.refunded} KRW are to go back, {here.returned} have"
        if here is not None and here.status in ("PENDING", "CONFIRMING"):
            yield f"order {order_id} is still {here.status}"
        ours = (0, 0) if here is None else (here.amount * (here.status in _TAKEN_BY_THE_BOOKS), here.returned)
        if ours != there:
            yield f"order {order_id}: MOMO's books say taken and returned {ours} KRW, Toss's ledger {there}"
        due = (0, 0) if wanted is None else (wanted.taken, wanted.returned)
        if there != due:
            yield f"order {order_id}: Toss's ledger says taken and returned {there} KRW, the day makes it {due}"


def _moved(ledger: Statement) -> dict[str, tuple[int, int]]:
    """KRW taken and returned by order; an order may have several tries, of which one takes money."""
    moved: dict[str, tuple[int, int]] = {}
    for payment in ledger.payments:
        taken = payment.total_amount if payment.status in _TAKEN_AT_TOSS else 0
        moved[payment.order_id] = _sum([moved.get(payment.order_id, (0, 0)), (taken, payment.returned_amount)])
    return moved


def _notices(model: Model, evidence: Evidence) -> Iterator[str]:
    mailboxes = {mailbox.member_id: mailbox for mailbox in evidence.facts.notices}
    for member_id, box in evidence.boxes.items():
        yield from _box(member_id, box, model.due[member_id])
        mailbox, rows = mailboxes.get(member_id), len(box.listed)
        counted = (0, 0, 0) if mailbox is None else (mailbox.last_sequence, mailbox.rows, mailbox.unread)
        if counted != (rows, rows, rows):
            yield (
                f"member {member_id}: {rows} notices are listed; last number, rows and unread of the mailbox"
                f" are {counted}"
            )


def _box(member_id: int, box: Box, due: Counter[Due]) -> Iterator[str]:
    sequences = [notice.sequence for notice in box.heard]
    if sequences != list(range(1, len(box.listed) + 1)):
        yield f"member {member_id}: the WebSocket brought notices {sequences}, 1 to {len(box.listed)} are listed"
    elif box.heard != box.listed:
        yield f"member {member_id}: what the WebSocket brought differs from what is listed"
    had = Counter((notice.type, notice.meeting_id) for notice in box.listed)
    for (kind, meeting_id), count in sorted(((due - had) + (had - due)).items(), key=str):
        about = "" if meeting_id is None else f" of meeting {meeting_id}"
        word = "missing" if due[kind, meeting_id] > had[kind, meeting_id] else "not due"
        yield f"member {member_id}: {count} x {kind}{about} is {word}"


def _machinery(evidence: Evidence) -> Iterator[str]:
    facts = evidence.facts
    for name, depth in facts.queues.items():
        if depth.missing:
            yield f"{name} does not exist"
        if depth.ready:
            yield f"{name} holds {depth.ready} messages"
    for service, engine in facts.engine.items():
        if engine.outbox:
            yield f"the outbox of {service} holds {engine.outbox} entries"
        if engine.timers_due:
            yield f"{engine.timers_due} timers of {service} are due and not fired"
    failed = facts.failed - evidence.failed_before
    if failed:
        yield f"{failed} commands have failed"


def _sum(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    taken, returned = 0, 0
    for more_taken, more_returned in pairs:
        taken, returned = taken + more_taken, returned + more_returned
    return taken, returned
