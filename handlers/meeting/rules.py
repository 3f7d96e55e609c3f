"""What the meeting service's handlers agree on: states, orders, limits."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import asdict

from contracts.meeting import CreateMeeting, MeetingView
from contracts.outcome import FieldError
from handlers.meeting.records import Meeting, Participant
from momo.actors import Decision, refuse

ACTIVE = ("seated", "held", "waiting")
CHUNK = 100
"""How many members one message of a long act (dismissing, withdrawing) takes."""


def phase_of(meeting: Meeting, now: datetime) -> str:
    """The meeting's state by the clock: open, full, started, finished or cancelled."""
    if meeting.status == "cancelled":
        return "cancelled"
    if now >= meeting.ends_at:
        return "finished"
    return "started" if now >= meeting.starts_at else meeting.status


def free_seats(meeting: Meeting) -> int:
    return meeting.capacity - meeting.seated - meeting.held


def order_of(meeting_id: int, member_id: int, hold_no: int) -> str:
    """The order of a member's `hold_no`-th hold in a meeting: always the same, so that Toss charges it once."""
    return f"momo-{meeting_id}-{member_id}-{hold_no}"


def hold_of(order_id: str, meeting_id: int, member_id: int) -> int | None:
    """Which hold an order pays for, or None where it is no order of this member in this meeting."""
    tail = order_id.rpartition("-")[2]
    if not (tail.isascii() and tail.isdigit() and len(tail) < 10):
        return None
    return int(tail) if order_of(meeting_id, member_id, int(tail)) == order_id else None


def holds(participant: Participant | None, order_id: str) -> bool:
    """Whether the member still holds the seat that this order is to pay."""
    return participant is not None and participant.status == "held" and participant.order_id == order_id


def hold_timer(order_id: str) -> str:
    return f"hold:{order_id}"


def view_of(meeting: Meeting, now: datetime) -> MeetingView:
    fields = asdict(meeting) | {"status": phase_of(meeting, now), "seats_left": free_seats(meeting)}
    del fields["waitlist_seq"]
    return MeetingView(**fields)


def unknown_meeting(meeting_id: int) -> Decision:
    return refuse("unknown-meeting", "No such meeting", status=404, detail=f"No meeting has the id {meeting_id}.")


def cancelled_meeting() -> Decision:
    return refuse("meeting-cancelled", "The meeting was cancelled", status=410)


def illegal(what: str, before: str, after: str) -> Decision:
    """A 409 that names both states."""
    return refuse("illegal-transition", f"The {what} is {before} and can't become {after}")


def errors_of(command: CreateMeeting, now: datetime) -> tuple[FieldError, ...]:
    """What is wrong with a new meeting, field by field."""
    steps = command.refund_policy
    checks = (
        ("title", len(command.title.strip()) >= 1 and len(command.title) <= 100, "give 1 to 100 characters"),
        ("description", len(command.description) <= 5000, "give at most 5,000 characters"),
        ("placeName", 1 <= len(command.place_name) <= 200, "give 1 to 200 characters"),
        ("hostNickname", len(command.host_nickname) <= 50, "give at most 50 characters"),
        ("categoryId", 1 <= command.category_id < 2**53, "give the id of a category"),
        ("latitude", -90 <= command.latitude <= 90, "give degrees from -90 to 90"),
        ("longitude", -180 <= command.longitude <= 180, "give degrees from -180 to 180"),
        ("startsAt", command.starts_at > now, "must be in the future"),
        ("endsAt", command.ends_at > command.starts_at, "must be after startsAt"),
        ("capacity", 2 <= command.capacity <= 10_000, "give 2 to 10,000 seats"),
        ("fee", command.fee == 0 or 100 <= command.fee <= 100_000_000, "give 0, or 100 to 100,000,000 KRW"),
        ("holdSeconds", 5 <= command.hold_seconds <= 1800, "give 5 to 1,800 seconds"),
        ("refundPolicy", len(steps) <= 10, "give at most 10 steps"),
        (
            "refundPolicy",
            all(0 <= step.percent <= 100 and 0 <= step.hours_before <= 8760 for step in steps),
            "give 0 to 100 percent, 0 to 8,760 hours before the start",
        ),
    )
    return tuple(FieldError(field=f"$.{field}", detail=detail) for field, right, detail in checks if not right)
