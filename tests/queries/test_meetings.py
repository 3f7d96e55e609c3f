"""Reads of meetings: filters, distance, sorting, pages, places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.payment import DEFAULT_REFUND_POLICY
from handlers.meeting.records import Meeting, Participant
from momo.queries import meeting as one
from momo.queries.meetings import MeetingFilter, meetings
from momo.store.connection import Connection
from tests.queries.conftest import Put

NOW = datetime.now(UTC).replace(microsecond=0)
SEOUL = {"latitude": 37.5665, "longitude": 126.9780}


def make(meeting_id: int, **changes: Any) -> Meeting:
    values: dict[str, Any] = {
        "host_id": 1,
        "host_nickname": "호스트",
        "title": f"모임 {meeting_id}",
        "description": "",
        "category_id": 1,
        "place_name": "서울",
        **SEOUL,
        "starts_at": NOW + timedelta(days=meeting_id),
        "capacity": 5,
        "fee": 0,
        "hold_seconds": 600,
        "refund_policy": DEFAULT_REFUND_POLICY,
        "seated": 1,
        "created_at": NOW - timedelta(days=meeting_id),
    }
    values |= changes
    return Meeting(meeting_id=meeting_id, ends_at=values["starts_at"] + timedelta(hours=2), **values)


async def ids(db: Connection, **wanted: Any) -> list[int]:
    """The meetings found, collected page by page."""
    found, cursor = [], None
    while True:
        page = await meetings(db, MeetingFilter(**wanted), cursor=cursor, limit=2)
        found += [view.meeting_id for view in page.items]
        if (cursor := page.next) is None:
            return found


async def test_a_meeting_is_read_as_it_was_written(put: Put) -> None:
    db = await put("meeting", make(1, held=1, waiting=2))
    view = await one.meeting(db, 1)
    assert view is not None
    assert (view.status, view.seats_left, view.waiting, view.starts_at) == ("open", 3, 2, NOW + timedelta(days=1))
    assert view.refund_policy == DEFAULT_REFUND_POLICY
    assert await one.meeting(db, 2) is None


async def test_the_clock_tells_started_and_finished(put: Put) -> None:
    hour = timedelta(hours=1)
    db = await put(
        "meeting",
        make(1),
        make(2, status="full", capacity=1),
        make(3, starts_at=NOW - hour),
        make(4, starts_at=NOW - 9 * hour),
        make(5, status="cancelled", starts_at=NOW - hour),
    )
    for meeting_id, status in enumerate(["open", "full", "started", "finished", "cancelled"], start=1):
        view = await one.meeting(db, meeting_id)
        assert view is not None
        assert view.status == status
        assert await ids(db, status=status) == [meeting_id]
    assert await ids(db) == [1, 2]
    assert await ids(db, host_id=1) == [4, 3, 5, 1, 2]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"category_id": 2}, [2]),
        ({"free": True}, [1, 3, 4]),
        ({"free": False}, [2]),
        ({"seats_left": True}, [1, 2, 4]),
        ({"host_id": 9}, [3]),
        ({"text": "러닝"}, [1]),
        ({"text": "100%"}, [4]),
        ({"text": "_"}, []),
        ({"text": "'; DROP TABLE meetings; --"}, []),
        ({"starts_from": NOW + timedelta(days=2), "starts_until": NOW + timedelta(days=4)}, [2, 3]),
        ({"sort": "soonest"}, [1, 2, 3, 4]),
        ({"sort": "newest"}, [1, 2, 3, 4]),
        ({"free": True, "seats_left": True, "text": "모임"}, [4]),
    ],
)
async def test_filters_hold_together_and_pages_miss_nothing(put: Put, wanted: dict[str, Any], found: list[int]) -> None:
    db = await put(
        "meeting",
        make(1, title="한강 러닝"),
        make(2, category_id=2, fee=5_000),
        make(3, host_id=9, seated=5),
        make(4, description="100% 초보"),
    )
    assert await ids(db, **wanted) == found


async def test_nearest_sorts_by_distance_within_the_circle(put: Put) -> None:
    db = await put(
        "meeting",
        make(1, latitude=37.60),
        make(2, latitude=37.57),
        make(3, latitude=35.18, longitude=129.08),
        make(4),
        make(5, longitude=127.20),
    )
    assert await ids(db, **SEOUL, sort="nearest") == [4, 2, 1, 5]
    assert await ids(db, **SEOUL, within_m=1_000) == [2, 4]
    assert await ids(db, **SEOUL, within_m=400_000, sort="nearest") == [4, 2, 1, 5, 3]


async def test_the_circle_crosses_the_date_line(put: Put) -> None:
    db = await put("meeting", make(1, latitude=0.0, longitude=-179.99), make(2, latitude=0.0, longitude=0.0))
    assert await ids(db, latitude=0.0, longitude=179.99, within_m=10_000) == [1]


@pytest.mark.parametrize(
    "wanted", [{"sort": "nearest"}, {"latitude": 1.0}, {"latitude": 91.0, "longitude": 0.0}, {"longitude": 3.0}]
)
async def test_half_a_place_is_refused(put: Put, wanted: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="latitude"):
        await meetings(await put("meeting"), MeetingFilter(**wanted))


async def test_a_cursor_of_another_sorting_is_refused(put: Put) -> None:
    db = await put("meeting", make(1), make(2))
    page = await meetings(db, MeetingFilter(sort="soonest"), limit=1)
    with pytest.raises(ValueError, match="of another list"):
        await meetings(db, MeetingFilter(sort="newest"), cursor=page.next)


async def test_places_are_read_with_their_position(put: Put) -> None:
    def place(member_id: int, status: str, line: int = 0) -> Participant:
        active = status in ("seated", "waiting")
        return Participant(
            meeting_id=1,
            member_id=member_id,
            nickname=f"m{member_id}",
            host=member_id == 1,
            status=status,
            active=active,
            waitlist_no=line,
            joined_at=NOW,
            changed_at=NOW,
        )

    db = await put(
        "meeting",
        make(1),
        *(place(n, "seated") for n in (1, 2, 3)),
        place(4, "left", 1),
        place(5, "waiting", 2),
        place(6, "waiting", 5),
    )
    mine = await one.participation(db, 1, 6)
    assert mine is not None
    assert (mine.status, mine.position, mine.host) == ("waiting", 2, False)
    host = await one.participation(db, 1, 1)
    assert host is not None
    assert (host.host, host.position) == (True, 0)
    assert await one.participation(db, 1, 9) is None
    first = await one.participants(db, 1, limit=2)
    second = await one.participants(db, 1, limit=2, cursor=first.next)
    assert [attendee.member_id for attendee in first.items + second.items] == [1, 2, 3]
