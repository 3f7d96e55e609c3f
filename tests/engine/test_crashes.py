"""Crashes and stops of real processes: a poison message ends in quarantine, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.meeting import JoinMeeting
from contracts.topology import QUEUES, queue_named
from momo.broker.topology import declare, topology
from momo.store.literal import tuples
from tests.engine.counter import ADD, add
from tests.engine.engine import Engine, spawn
from tests.waiting import eventually

WORKER = ["-m", "tests.engine.process"]


async def test_a_message_that_kills_its_process_is_quarantined_and_its_neighbours_are_handled(engine: Engine) -> None:
    poison = add(1, 1, "poison")
    await engine.send(*(add(n) for n in range(2, 152)), poison, *(add(n) for n in range(152, 302)))
    crashes = 0
    letter: Any = None
    taking = asyncio.create_task(engine.take(ADD.dead_letter_queue, 60))
    while not taking.done():
        process = await spawn(engine.settings, [*WORKER, "die", "poison"])
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ended, taking}, return_when=asyncio.FIRST_COMPLETED)
        crashes += ended.done() and ended.result() == 9
        if taking.done():
            await eventually(lambda: _handled(engine, 300), 20)
            process.kill()
        await ended
    letter = await taking
    assert letter.body == b'{"meetingId":1,"memberId":1,"nickname":"poison"}'
    assert letter.headers["x-first-death-reason"] == "delivery_limit"
    assert crashes == 9
    assert await engine.count("counters WHERE total = 1") == 300
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


async def _handled(engine: Engine, count: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") == count


async def _more(engine: Engine, least: int) -> bool:
    return await engine.count(f"inbox WHERE queue = '{ADD.name}'") > least
