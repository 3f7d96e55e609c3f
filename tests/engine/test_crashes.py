"""Crashes and stops of real processes: a poison message ends in quarantine, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from contracts.meeting import JoinMeeting
from contracts.topology import QUEUES, queue_named
from momo.broker.topology import DELIVERY_LIMIT, declare, topology
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.store.literal import tuples
from tests.engine.counter import ADD, add, counters
from tests.engine.counter import QUEUES as COUNTERS
from tests.engine.engine import Engine, spawn, working
from tests.waiting import eventually

WORKER = ["-m", "tests.engine.process"]


@pytest.mark.timeout(300)  # nine processes, one after the other
@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["-m", "tests.engine.process", "die", "poison"], 9, id="kills"),
        pytest.param(["-m", "tests.engine.hanging", "poison"], 1, id="hangs"),
    ],
)
async def test_a_message_that_ends_its_process_is_quarantined_with_its_reason_and_all_others_are_handled(
    engine: Engine, argv: list[str], code: int
) -> None:
    """Its neighbours and its actor's other messages are; and when the fault is mended, so is the message itself."""
    before, poison, after = add(1, 10), add(1, 1, "poison"), add(1, 100)
    _, sent, _ = [
        (await engine.send(*batch))[-1]
        for batch in ([*(add(n) for n in range(2, 152)), before], [poison], [after, *(add(n) for n in range(152, 302))])
    ]
    deaths: list[int] = []
    while await engine.count("inbox") < 302 or not await engine.depth(ADD.dead_letter_queue):
        process = await spawn(engine.settings, argv)
        await eventually(partial(_ended_or_all_settled, engine, process), 60)
        with suppress(ProcessLookupError):
            process.kill()
        deaths.append(await process.wait())
    assert [ended for ended in deaths if ended != -signal.SIGKILL] == [code] * (DELIVERY_LIMIT + 1)
    assert await engine.count("counters WHERE counter_id > 1 AND total = 1") == 300
    assert await engine.total(1) == 110

    desk = Desk(engine.settings, by="kim", queues=COUNTERS)
    [letter] = await desk.show(Choice(id=sent))
    assert (letter.queue, letter.origin, letter.reason) == (ADD.dead_letter_queue, ADD.name, "delivery-limit")
    assert letter.body == {"meetingId": 1, "memberId": 1, "nickname": "poison"}
    assert letter.died_at is not None
    await desk.replay(Choice(id=sent))
    async with working(engine.settings, counters()):
        await eventually(lambda: engine.state(sent))
    assert await engine.total(1) == 111
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_a_killed_process_leaves_nothing_half_done(engine: Engine) -> None:
    total = 1_500
    for start in range(0, total, 500):
        await engine.send(*(add(n % 50, do="tell") for n in range(start, start + 500)))
    for _ in range(2):
        process = await spawn(engine.settings, WORKER)
        before = await engine.count("inbox")
        await eventually(lambda least=before: _more(engine, least), 20)  # type: ignore[misc]
        process.kill()
        await process.wait()
    process = await spawn(engine.settings, WORKER)
    try:
        await eventually(lambda: _handled(engine, total), 30)
    finally:
        await _end(process)
    assert await engine.count("counters WHERE counter_id < 1000 AND total = 30") == 50
    assert await engine.count("counter_steps") == total
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def test_a_worker_that_is_told_to_stop_under_load_finishes_what_it_holds(engine: Engine) -> None:
    """The real `momo work`, with the real joins."""
    await declare(engine.settings.amqp_url, topology(QUEUES))
    await _open_meetings(engine, 20)
    sent = 0
    handled = 0
    for _ in range(2):
        process = await spawn(engine.settings, ["-m", "momo", "work", "meeting"])
        for _ in range(4):
            await engine.send(*(JoinMeeting(meeting_id=n % 20, member_id=1_000 + n) for n in range(sent, sent + 500)))
            sent += 500
        await eventually(lambda least=handled: _more(engine, least), 20)  # type: ignore[misc]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(engine.settings.grace_seconds):
            assert await process.wait() == 0
        handled = await engine.count("inbox")
        # what is committed is acknowledged, and what is acknowledged is committed
        await eventually(lambda left=sent - handled: _waiting(engine, left))  # type: ignore[misc]
    process = await spawn(engine.settings, ["-m", "momo", "work", "meeting"])
    try:
        await eventually(lambda: _handled(engine, sent), 30)
    finally:
        await _end(process)
    assert await engine.count("meeting_participants WHERE status = 'seated'") == sent
    assert await engine.database.rows("SELECT SUM(seated) FROM meetings") == [(sent,)]
    assert await engine.depth(ADD.dead_letter_queue) == 0


async def _open_meetings(engine: Engine, count: int) -> None:
    now = datetime.now(UTC)
    starts, ends = now + timedelta(days=1), now + timedelta(days=2)
    head = (1, "host", "t", "", 1, "Seoul", 37.5, 127.0, starts, ends, 10_000, 0, 600, "[]", "open", 0, 0, 0, 0, 1, now)
    for table in ("meetings", "meeting_participants"):
        await engine.database.change(f"DELETE FROM {table}")
    await engine.database.change(
        "INSERT INTO meetings (meeting_id, host_id, host_nickname, title, description, category_id, place_name,"
        " latitude, longitude, starts_at, ends_at, capacity, fee, hold_seconds, refund_policy, status, seated, held,"
        " waiting, waitlist_seq, version, created_at) VALUES " + tuples([(n, *head) for n in range(count)])
    )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    assert await process.wait() == 0


async def _waiting(engine: Engine, count: int) -> bool:
    return await engine.depth(queue_named("meeting.join.queue").name) == count


async def _ended_or_all_settled(engine: Engine, process: Process) -> bool:
    if process.returncode is not None:
        return True
    return await _handled(engine, 302) and await engine.depth(ADD.dead_letter_queue) == 1


async def _handled(engine: Engine, count: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") == count


async def _more(engine: Engine, least: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") > least
