"""Meetings to test with, and the rules that must hold of them at every moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from contracts.meeting import CreateMeeting, JoinMeeting, Seat
from contracts.payment import DEFAULT_REFUND_POLICY
from handlers.meeting import create, join, rules
from handlers.meeting.records import Meeting, Participant
from tests.handlers.harness import DAY, NOW, Service, result

HOST = 1


def create_command(**changes: Any) -> CreateMeeting:
    command = CreateMeeting(
        host_id=HOST,
        host_nickname="호스트",
        title="한강 러닝",
        category_id=3,
        place_name="여의나루역",
        latitude=37.527,
        longitude=126.933,
        starts_at=NOW + 7 * DAY,
        ends_at=NOW + 7 * DAY + timedelta(hours=2),
        capacity=3,
        refund_policy=DEFAULT_REFUND_POLICY,
    )
    return replace(command, **changes)


def opened(**changes: Any) -> tuple[Service, int]:
    """A service with one meeting in it, and the meeting's id."""
    service = Service()
    view = result(service.handle(create.decide, create_command(**changes)))
    return service, view.meeting_id


def joined(service: Service, meeting_id: int, member_id: int) -> Seat:
    command = JoinMeeting(meeting_id=meeting_id, member_id=member_id, nickname=f"회원{member_id}")
    seat = result(service.handle(join.decide, command))
    assert isinstance(seat, Seat)
    return seat


def place(service: Service, meeting_id: int, member_id: int) -> Participant:
    return service.get(Participant, meeting_id, member_id)


def check(service: Service) -> None:
    """Never more than capacity, counters equal rows, and nobody waits beside a free seat."""
    for meeting in service.all(Meeting):
        places = [p for p in service.all(Participant) if p.meeting_id == meeting.meeting_id]
        counts = {status: sum(p.status == status for p in places) for status in rules.ACTIVE}
        assert counts == {status: getattr(meeting, status) for status in rules.ACTIVE}
        assert meeting.seated + meeting.held <= meeting.capacity
        assert all(p.active == (p.status in rules.ACTIVE) for p in places)
        if meeting.status != "cancelled":
            assert (meeting.status == "full") == (rules.free_seats(meeting) == 0)
            assert meeting.waiting == 0 or rules.free_seats(meeting) == 0
