"""The race for the last seats, on two worker processes; and a control that must oversell with the row lock off."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any

from contracts.meeting import JoinMeeting
from momo.bench.meetings import open_meetings
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.local.servers import Servers
from momo.local.stage import prepare, process
from momo.settings import Settings
from momo.store.connection import connected
from tests.flows.members import Stage
from tests.waiting import eventually

MEMBERS = 200
SEATS = 10


async def test_ten_seats_for_two_hundred_members_at_once_are_given_exactly_once(stage: Stage) -> None:
    host = await stage.member()
    meeting = await host.opens(capacity=SEATS + 1)
    members = [stage.known(1_000_000_000 + number) for number in range(MEMBERS)]
    answers = await asyncio.gather(*(member.joins(meeting) for member in members))
    assert Counter(answer["status"] for answer in answers) == {"seated": SEATS, "waiting": MEMBERS - SEATS}
    positions = sorted(answer["position"] for answer in answers if answer["status"] == "waiting")
    assert positions == list(range(1, MEMBERS - SEATS + 1))
    assert await counted(stage.settings, meeting) == (SEATS + 1, SEATS + 1)


async def test_joins_of_one_meeting_on_two_processes_never_oversell(stage: Stage) -> None:
    host = await stage.member()
    meeting = await host.opens(capacity=SEATS + 1)
    await publish_joins(stage.settings, meeting)
    await eventually(lambda: all_handled(stage.settings, meeting, MEMBERS + 1), timeout=30)
    assert await counted(stage.settings, meeting) == (SEATS + 1, SEATS + 1)


async def test_control_without_the_row_lock_oversells(servers: Servers) -> None:
    """If this fails, the tests above prove nothing."""
    unlocked = (sys.executable, "-m", "tests.flows.variant", "unlocked")
    alone = await prepare(servers, "unlocked")
    async with (
        process(alone, "work", "meeting", program=unlocked),
        process(alone, "work", "meeting", program=unlocked),
        connected(alone.db_url("meeting")) as database,
    ):
        await eventually(lambda: consumers(alone, 2), timeout=30)
        # which of the two gets what is the broker's choice: a round may happen to do no damage
        for _ in range(20):
            meeting = await open_meetings(database, 1, capacity=SEATS)
            await publish_joins(alone, meeting)
            await eventually(lambda meeting=meeting: all_handled(alone, meeting, MEMBERS), timeout=30)  # type: ignore[misc]
            rows, counter = await counted(alone, meeting)
            if rows > SEATS or rows != counter:
                return
    raise AssertionError("twenty races without the lock did no damage")


async def publish_joins(settings: Settings, meeting: int) -> None:
    publisher = Publisher(settings.amqp_url, name="momo-tests")
    joins = [JoinMeeting(meeting_id=meeting, member_id=2_000_000_000 + n, nickname=f"m{n}") for n in range(MEMBERS)]
    try:
        await publisher.publish([seal(join, message_id=fresh_id()) for join in joins])
    finally:
        await publisher.stop()


async def consumers(settings: Settings, count: int) -> bool:
    publisher = Publisher(settings.amqp_url, name="momo-tests")
    try:
        return (await publisher.look("meeting.join.queue")).consumers == count
    finally:
        await publisher.stop()


async def all_handled(settings: Settings, meeting: int, count: int) -> bool:
    return bool(await places(settings, meeting, "%s = %s", 1, 1) == count)


async def counted(settings: Settings, meeting: int) -> tuple[int, int]:
    """Seats by the participants' rows, and by the meeting's own counter."""
    rows = await places(settings, meeting, "status = %s", "seated")
    async with connected(settings.db_url("meeting")) as database:
        [(counter,)] = await database.rows("SELECT seated FROM meetings WHERE meeting_id = %s", meeting)
    return rows, int(counter)


async def places(settings: Settings, meeting: int, clause: str, *args: Any) -> int:
    async with connected(settings.db_url("meeting")) as database:
        [(count,)] = await database.rows(
            f"SELECT COUNT(*) FROM meeting_participants WHERE meeting_id = %s AND {clause}", meeting, *args
        )
    return int(count)
