"""The ledger: a run in which all is right, and one thing wrong in it at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest
from msgspec.structs import replace

from momo.chaos import book as books
from momo.chaos.book import Book
from momo.chaos.broker import Dead
from momo.chaos.client import Command
from momo.chaos.evidence import Evidence, Meeting, Order, Place
from momo.chaos.ledger import differences
from momo.chaos.outcome import Known
from momo.chaos.report import figures

HOST, ANN, BOB = 1, 2, 3
MEETING = 7
ORDER = f"momo-{MEETING}-{ANN}-1"
AT = datetime(2030, 1, 1)  # noqa: DTZ001 - as the database gives it
MICROSECONDS = 1893456000000000
DONE = Known("done", 204, "")

Change = Callable[[Book, Evidence], None]


def a_run() -> tuple[Book, Evidence]:
    """Ann has paid for a seat in the host's meeting, Bob follows Ann; one poisonous message was planted."""
    book, evidence = Book(), Evidence()
    command = Command(what="join", member_id=ANN, method="POST", path="/", content=None, key="k", id="c1", outcome=DONE)
    book.commands.append(command)
    book.members = [HOST, ANN, BOB]
    meeting = books.Meeting(meeting_id=MEETING, host_id=HOST, title="t", capacity=2, fee=500, hold_seconds=60)
    book.meetings[MEETING] = meeting
    book.place(meeting, ANN).follows("join", DONE)
    book.joins[MEETING, ANN] = ["held"]
    book.orders.add(ORDER)
    book.follow(BOB, ANN).follows("follow", DONE)
    book.followed[BOB, ANN] = 1
    book.planted["p1"] = "meeting.join.dlq"
    evidence.outcomes = {"c1": DONE}
    evidence.users = {HOST, ANN, BOB}
    evidence.follows = {(BOB, ANN)}
    evidence.meetings = {
        MEETING: Meeting(
            meeting_id=MEETING, host_id=HOST, title="t", capacity=2, fee=500, status="full", seated=2, held=0, waiting=0
        )
    }
    seat = Place(meeting_id=MEETING, member_id=ANN, host=False, status="seated", order_id=ORDER, joined_at=AT)
    evidence.places = [seat, replace(seat, member_id=HOST, host=True, order_id="")]
    evidence.orders = {
        ORDER: Order(
            order_id=ORDER,
            meeting_id=MEETING,
            member_id=ANN,
            status="COMPLETED",
            amount=500,
            refunded=0,
            returned=0,
            approved=True,
            before_payment=False,
        )
    }
    evidence.toss = {ORDER: (500, 0)}
    joined = f"meeting:{MEETING}:member:{ANN}:{MICROSECONDS}"
    evidence.notices = Counter(
        {
            (ANN, "meeting.joined", joined): 1,
            (HOST, "meeting.joined", joined): 1,
            (ANN, "payment.completed", f"order:{ORDER}"): 1,
            (ANN, "user.followed", f"follower:{BOB}:1"): 1,
        }
    )
    evidence.boxes = {HOST: 1, ANN: 3, BOB: 0}
    evidence.dead = [Dead("meeting.join.dlq", "p1", "malformed")]
    return book, evidence


def test_run_in_which_all_is_right_has_no_differences() -> None:
    assert differences(*a_run()) == []


def no_outcome(book: Book, evidence: Evidence) -> None:
    evidence.outcomes.clear()


def never_told(book: Book, evidence: Evidence) -> None:
    book.commands[0].outcome = None


def two_outcomes(book: Book, evidence: Evidence) -> None:
    evidence.outcomes["c1"] = Known("refused", 409, "illegal-transition")


def failed(book: Book, evidence: Evidence) -> None:
    book.commands[0].outcome = evidence.outcomes["c1"] = Known("failed", 502, "command-failed")


def no_account(book: Book, evidence: Evidence) -> None:
    evidence.users.discard(BOB)


def opened_twice(book: Book, evidence: Evidence) -> None:
    evidence.meetings[8] = replace(evidence.meetings[MEETING], meeting_id=8, seated=0, status="open")


def follow_undone(book: Book, evidence: Evidence) -> None:
    evidence.follows.clear()


def seat_undone(book: Book, evidence: Evidence) -> None:
    evidence.places[0] = replace(evidence.places[0], status="left")


def one_too_many(book: Book, evidence: Evidence) -> None:
    evidence.meetings[MEETING] = replace(evidence.meetings[MEETING], capacity=1)


def oversold_for_a_moment(book: Book, evidence: Evidence) -> None:
    book.oversold.add(MEETING)


def counter_off(book: Book, evidence: Evidence) -> None:
    evidence.meetings[MEETING] = replace(evidence.meetings[MEETING], seated=1)


def still_held(book: Book, evidence: Evidence) -> None:
    evidence.places.append(replace(evidence.places[0], member_id=BOB, status="held"))
    evidence.meetings[MEETING] = replace(evidence.meetings[MEETING], capacity=3, held=1)


def money_not_in_the_books(book: Book, evidence: Evidence) -> None:
    evidence.orders[ORDER] = replace(evidence.orders[ORDER], approved=False, status="EXPIRED")


def paid_for_nothing(book: Book, evidence: Evidence) -> None:
    evidence.places[0] = replace(evidence.places[0], status="expired")


def payment_never_opened(book: Book, evidence: Evidence) -> None:
    book.orders.add("momo-7-3-1")


def undecided(book: Book, evidence: Evidence) -> None:
    evidence.orders[ORDER] = replace(evidence.orders[ORDER], status="CONFIRMING")


def host_not_told(book: Book, evidence: Evidence) -> None:
    del evidence.notices[next(notice for notice in evidence.notices if notice[0] == HOST)]
    evidence.boxes[HOST] = 0


def follow_told_twice(book: Book, evidence: Evidence) -> None:
    evidence.notices[ANN, "user.followed", f"follower:{BOB}:2"] = 1
    evidence.boxes[ANN] = 4


def payment_not_told(book: Book, evidence: Evidence) -> None:
    del evidence.notices[ANN, "payment.completed", f"order:{ORDER}"]
    evidence.boxes[ANN] = 2


def told_of_a_refund_that_was_none(book: Book, evidence: Evidence) -> None:
    evidence.notices[ANN, "payment.refunded", f"order:{ORDER}:500"] = 1
    evidence.boxes[ANN] = 4


def number_left_out(book: Book, evidence: Evidence) -> None:
    evidence.boxes[ANN] = 4


def something_waits(book: Book, evidence: Evidence) -> None:
    evidence.waiting = ["outbox of meeting has 1 rows"]


def dead_without_poison(book: Book, evidence: Evidence) -> None:
    evidence.dead.append(Dead("meeting.join.dlq", "x", "failed"))


def poison_gone(book: Book, evidence: Evidence) -> None:
    evidence.dead.clear()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (no_outcome, "lost"),
        (never_told, "stuck"),
        (two_outcomes, "doubled"),
        (failed, "lost"),
        (no_account, "lost"),
        (opened_twice, "doubled"),
        (follow_undone, "order_breaks"),
        (seat_undone, "order_breaks"),
        (one_too_many, "oversold"),
        (oversold_for_a_moment, "oversold"),
        (counter_off, "lost"),
        (still_held, "stuck"),
        (money_not_in_the_books, "books_differ_by"),
        (paid_for_nothing, "books_differ_by"),
        (payment_never_opened, "lost"),
        (undecided, "stuck"),
        (host_not_told, "lost"),
        (follow_told_twice, "doubled"),
        (payment_not_told, "lost"),
        (told_of_a_refund_that_was_none, "doubled"),
        (number_left_out, "lost"),
        (something_waits, "stuck"),
        (dead_without_poison, "lost"),
        (poison_gone, "lost"),
    ],
)
def test_one_thing_wrong_is_reported(change: Change, kind: str) -> None:
    book, evidence = a_run()
    change(book, evidence)
    assert figures(differences(book, evidence))[kind] > 0
