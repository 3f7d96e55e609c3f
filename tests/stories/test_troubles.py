"""Stories in which something goes wrong: attempts, dead letters, what is still to come, and what can't be read."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts.base import Message
from momo.actors import outbox
from momo.broker.envelope import seal
from momo.broker.failures import death
from momo.broker.identity import derived_id, fresh_id, id_of_text
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.relay import Relay
from momo.settings import DATABASES, Settings
from momo.store.connection import Connection, connected
from momo.store.pool import Pool
from momo.stories import reading
from momo.stories.commands import Unknown, read
from momo.stories.reading import Reading
from tests.engine.counter import ADD, CALL, TOLD, add, call, calls, counters
from tests.engine.engine import Engine, working
from tests.stories.telling import check_times, only, settled, shape
from tests.waiting import eventually


class Broken:
    """A fault that is there until it is mended."""

    def __init__(self, times: int = 1_000) -> None:
        self.times = times

    def __call__(self, _: Message) -> None:
        self.times -= 1
        if self.times >= 0:
            raise ValueError(f"no luck, password=hunter2, {self.times} to go")


async def is_known(settings: Settings, given: str) -> bool:
    try:
        await read(settings, given)
    except Unknown:
        return False
    return True


async def test_a_retried_message_shows_each_of_its_attempts(engine: Engine) -> None:
    async with working(engine.settings, counters(Broken(times=1))):
        [command] = await engine.send(add(1))
        await eventually(lambda: is_known(engine.settings, command))
        between = await read(engine.settings, command)
        story = await settled(engine.settings, command)
    [hop] = between.hops
    assert (between.state, hop.state, hop.attempt) == ("pending", "retrying", 2)
    assert "delay ladder" in hop.where
    [hop] = story.hops
    assert (story.state, hop.state, hop.attempt, hop.detail) == ("done", "done", 2, "")
    assert [(one.attempt, one.state) for one in hop.attempts] == [(1, "failed"), (2, "done")]
    assert hop.attempts[0].error == "ValueError: no luck, password=[redacted], 0 to go"
    assert hop.attempts[1].waiting_ms > 90  # the ladder's first rung
    assert hop.attempts[0].ended_at <= hop.attempts[1].taken_at
    check_times(story)


async def test_a_dead_letter_says_where_it_lies_and_its_replay_completes_the_story(engine: Engine) -> None:
    fault = Broken()
    async with working(engine.settings, counters(fault)):
        asked = replace(seal(add(1, do="tell"), message_id=fresh_id()), attempt=3)
        [command] = await engine.send(asked)
        await eventually(lambda: engine.depth(ADD.dead_letter_queue))
        dead = await read(engine.settings, command)
        fault.times = 0
        await Desk(engine.settings, by="kim").replay(Choice(id=command, queue=ADD.name))
        await eventually(lambda: mended(engine.settings, command))
        story = await settled(engine.settings, command)
    [hop] = dead.hops
    assert (dead.state, hop.state, hop.attempt, hop.where) == ("failed", "failed", 3, ADD.dead_letter_queue)
    assert hop.detail.startswith("ValueError: no luck")
    assert shape(story) == [(0, "meeting.join", "done"), (1, "meeting.expire", "done")]
    assert [(one.attempt, one.state) for one in story.hops[0].attempts] == [(3, "failed"), (1, "done")]
    assert [(act.act, act.operator) for act in story.hops[0].acts] == [("replay", "kim")]


async def mended(settings: Settings, command: str) -> bool:
    return (await read(settings, command)).state != "failed"


async def test_a_letter_that_nobody_could_read_has_a_story(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        command = fresh_id()
        await engine.send_raw(ADD, b"{", message_id=command)
        await eventually(lambda: is_known(engine.settings, command))
        [hop] = (await read(engine.settings, command)).hops
    assert (hop.state, hop.where, hop.queue) == ("failed", ADD.dead_letter_queue, ADD.name)
    assert hop.detail.startswith("malformed: Undecodable: the body is not JSON")


async def test_calls_to_the_world_are_hops_with_what_they_learned(engine: Engine) -> None:
    async with working(engine.settings, calls(Broken(times=1)), counters()):
        [command] = await engine.send(call(7))
        await eventually(lambda: told(engine.settings, command, 2))
        story = await settled(engine.settings, command)
    assert shape(story) == [(0, "notification.send", "done"), (1, "meeting.join", "done")]
    assert [one.state for one in story.hops[0].attempts] == ["failed", "done"]
    check_times(story)


async def told(settings: Settings, command: str, hops: int) -> bool:
    return await is_known(settings, command) and len((await read(settings, command)).hops) == hops


async def test_a_stopping_worker_still_writes_its_calls_down(engine: Engine) -> None:
    commands = await engine.send(*(call(number) for number in range(50)))
    async with connected(engine.settings.notification_db_url) as busy:
        await busy.change("LOCK TABLES attempts WRITE")
        async with working(engine.settings, calls()):
            await eventually(lambda: drained(engine, CALL.name))
            unlocked = asyncio.create_task(unlock(busy))
        await unlocked
    stories = await asyncio.gather(*(read(engine.settings, command) for command in commands))
    assert {story.hops[0].state for story in stories} == {"done"}


async def unlock(database: Connection) -> None:
    await asyncio.sleep(0.5)  # while the worker stops
    await database.change("UNLOCK TABLES")


async def drained(engine: Engine, queue: str) -> bool:
    return await engine.depth(queue) == 0


async def test_what_a_stopped_worker_has_not_handled_is_pending_in_its_queue(engine: Engine) -> None:
    async with working(engine.settings, calls()):
        [command] = await engine.send(call(7))
        await eventually(lambda: is_known(engine.settings, command))
    story = await read(engine.settings, command)
    assert (story.state, shape(story)) == (
        "pending",
        [(0, "notification.send", "done"), (1, "meeting.join", "pending")],
    )
    hop = story.hops[1]
    assert (hop.where, hop.taken_at, hop.service, hop.parent) == (ADD.name, None, "meeting", 0)
    assert (hop.waiting_ms or 0) > 0
    assert (await read(engine.settings, hop.message_id)).hops[1].message_id == hop.message_id
    async with working(engine.settings, counters()):
        assert (await settled(engine.settings, command)).state == "done"


async def test_what_was_not_published_is_pending_in_the_outbox(engine: Engine) -> None:
    async with working(engine.settings, calls()):
        [command] = await engine.send(call(7))
        await eventually(lambda: is_known(engine.settings, command))
    sent = seal(add(7), message_id=derived_id(id_of_text(command), f"{CALL.name}/0"), correlation_id=command)
    async with connected(engine.settings.notification_db_url) as database:
        await database.change(outbox.write(b"o" * 16, [sent], datetime.now(UTC)))
    assert (await read(engine.settings, command)).hops[1].where == "outbox of notification"


async def test_a_timer_waits_until_it_is_due_then_is_pending_then_done(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        [command] = await engine.send(add(1, do="timer t/1 60000"))
        story = await settled(engine.settings, command)
    timer = only(story, TOLD.name)
    assert (story.state, timer.state, timer.timer, timer.where) == ("waiting", "waiting", "t/1", "timers")
    assert timer.due_at
    assert timedelta(seconds=50) < timer.due_at - story.began_at < timedelta(seconds=70)
    await engine.database.change("UPDATE scheduled SET due_at = UTC_TIMESTAMP(6)")
    await Relay("meeting", engine.settings.meeting_db_url, engine.publisher).timers(engine.database)
    fired = only(await read(engine.settings, command), TOLD.name)
    assert (fired.state, fired.where, fired.message_id) == ("pending", TOLD.name, timer.message_id)
    async with working(engine.settings, counters()):
        story = await settled(engine.settings, command)
    assert (story.state, only(story, TOLD.name).state) == ("done", "done")
    check_times(story)


async def test_a_timer_that_was_taken_back_is_cancelled_and_one_that_was_moved_too(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        [first] = await engine.send(add(1, do="timer t/1 60000"))
        await settled(engine.settings, first)
        [second] = await engine.send(add(1, do="timer t/1 60000"))
        await settled(engine.settings, second)
        assert only(await read(engine.settings, first), TOLD.name).state == "cancelled"
        assert only(await read(engine.settings, second), TOLD.name).state == "waiting"
        [third] = await engine.send(add(1, do="stop t/1"))
        await settled(engine.settings, third)
        assert (await read(engine.settings, second)).state == "done"


async def test_what_the_broker_has_made_a_dead_letter_is_found_there(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(engine.settings, calls()):
        [command] = await engine.send(call(7))
        await eventually(lambda: is_known(engine.settings, command))
    await engine.take(ADD.name)
    sent = seal(add(7), message_id=derived_id(id_of_text(command), f"{CALL.name}/0"), correlation_id=command)
    headers = death(ADD, "delivery-limit", RuntimeError("killed whoever had it"))
    await engine.send(
        replace(sent, exchange=ADD.dead_letter_exchange, routing_key=ADD.dead_letter_queue, headers=headers)
    )
    assert (await read(engine.settings, command)).hops[1].state == "pending"  # too young to look for
    monkeypatch.setattr(reading, "STILL", timedelta(0))
    hop = (await read(engine.settings, command)).hops[1]
    assert (hop.state, hop.where) == ("failed", ADD.dead_letter_queue)
    assert hop.detail == "delivery-limit: RuntimeError: killed whoever had it"
    assert await engine.depth(ADD.dead_letter_queue) == 1


async def test_a_story_of_another_systems_ids_is_found_by_its_correlation_id(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        foreign = replace(seal(add(1, do="tell"), message_id="order 7/1"), correlation_id="order 7")
        await engine.send(foreign)
        await eventually(lambda: is_known(engine.settings, "order 7"))
        story = await settled(engine.settings, "order 7")
    assert (story.correlation_id, len(story.hops)) == ("order 7", 2)
    check_times(story)


async def test_a_database_that_is_away_is_named_and_the_rest_is_told(engine: Engine) -> None:
    async with working(engine.settings, calls(), counters()):
        [command] = await engine.send(call(7))
        await eventually(lambda: told(engine.settings, command, 2))
        await settled(engine.settings, command)
    pools = {service: Pool(engine.settings.db_url(service)) for service in DATABASES}
    pools["meeting"] = Pool("mysql://root@127.0.0.1:1/nowhere")

    async def no_letters(_: Collection[str]) -> tuple[dict[tuple[bytes, str], str], list[str]]:
        return {}, []

    story = await Reading(pools, no_letters).story(command)
    for pool in pools.values():
        await pool.stop()
    assert story is not None
    assert story.away == ("the database of meeting",)
    assert shape(story) == [(0, "notification.send", "done"), (1, "meeting.join", "pending")]


async def test_old_attempts_are_purged_with_old_inbox_entries(engine: Engine) -> None:
    async with working(engine.settings, counters(Broken(times=1))):
        [command] = await engine.send(add(1))
        await eventually(lambda: is_known(engine.settings, command))
        await settled(engine.settings, command)
    await engine.database.change("UPDATE attempts SET ended_at = '2020-01-01'")
    relay = Relay("meeting", engine.settings.meeting_db_url, engine.publisher)
    relay._purged -= 3_600
    await relay._purge(engine.database)
    assert (await engine.count("attempts"), await engine.count("inbox")) == (0, 1)
