"""The relay: what a crash left in the outbox goes out, timers fire once and when they are due."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from momo.actors import outbox
from momo.actors.flush import Flush, Flushed
from momo.broker.delivery import Delivery
from momo.broker.envelope import Envelope, seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher, PublishError
from momo.relay import Relay
from momo.store.connection import connected
from momo.store.ids import Ids
from tests.engine.counter import ADD, TOLD, add, call, counters, told
from tests.engine.engine import Engine, working
from tests.engine.letters import delivery
from tests.waiting import eventually

PAST = timedelta(seconds=-60)


@asynccontextmanager
async def relaying(engine: Engine, count: int = 1) -> AsyncIterator[None]:
    """Relays of the engine's database, stopped in order at the end."""
    stop = asyncio.Event()
    publishers = [Publisher(engine.settings.amqp_url, name="momo-relay") for _ in range(count)]
    relays = [Relay("meeting", engine.settings.meeting_db_url, publisher) for publisher in publishers]
    tasks = [asyncio.create_task(relay.run(stop)) for relay in relays]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        for publisher in publishers:
            await publisher.stop()


async def commit(engine: Engine, *deliveries: Delivery) -> Flushed:
    """Commits, and then dies: nothing is published. Its lease on the outbox is over."""
    async with connected(engine.settings.meeting_db_url, autocommit=False) as database:
        flushed = await Flush(deliveries, counters().handlers, Ids()).run(database)
    await engine.database.change("UPDATE outbox SET lease_until = '2020-01-01'")
    return flushed


async def leave(engine: Engine, envelopes: Sequence[Envelope], age: timedelta = PAST) -> None:
    """An outbox row that nobody has published, written `age` ago."""
    outbox_id, written = os.urandom(16), datetime.now(UTC) + age
    await engine.database.change(outbox.write(outbox_id, envelopes, written))
    await engine.database.change(
        "UPDATE outbox SET lease_until = %s WHERE outbox_id = %s", written + outbox.LEASE, outbox_id
    )


async def test_what_a_crash_after_the_commit_left_is_published(engine: Engine) -> None:
    await commit(engine, delivery(ADD, add(1, do="tell")), delivery(ADD, add(2, do="tell")))
    assert await engine.depth(TOLD.name) == 0
    async with relaying(engine), working(engine.settings, counters()):
        await eventually(lambda: _totals(engine, 1, 1))
    assert await engine.count("outbox") == 0


async def test_a_message_that_was_published_already_is_absorbed_when_the_relay_publishes_it_again(
    engine: Engine,
) -> None:
    """A crash after the publish, before the outbox row was deleted."""
    flushed = await commit(engine, delivery(ADD, add(1, do="tell")))
    async with working(engine.settings, counters()):
        await engine.send(*flushed.envelopes)
        await eventually(lambda: _totals(engine, 1))
        async with relaying(engine):
            await eventually(lambda: _empty(engine, "outbox"))
        await eventually(lambda: _drained(engine))
    assert await engine.total(told(1)) == 1
    assert await engine.count(f"inbox WHERE queue = '{TOLD.name}'") == 1


async def test_a_crash_before_the_ack_sends_nothing_twice(engine: Engine) -> None:
    message = delivery(ADD, add(1, do="tell"))
    first = await commit(engine, message)
    assert (await commit(engine, message)).envelopes == []
    assert len(first.envelopes) == 1
    assert await engine.count("outbox") == 1


async def test_an_entry_whose_writer_is_at_it_is_left_to_it(engine: Engine) -> None:
    await leave(engine, [seal(call(1), message_id=fresh_id())], timedelta(0))
    await leave(engine, [seal(call(2), message_id=fresh_id())])
    async with relaying(engine):
        await eventually(lambda: _one_left(engine))
        await asyncio.sleep(0.5)  # two rounds of the relay in which nothing may happen
    assert await engine.count("outbox") == 1


async def test_two_relays_publish_nothing_twice(engine: Engine) -> None:
    for start in range(0, 200, 2):
        await leave(engine, [seal(call(n), message_id=fresh_id()) for n in (start, start + 1)])
    async with relaying(engine, 2):
        await eventually(lambda: _empty(engine, "outbox"))
    assert await engine.depth("notification.send.queue") == 200


async def test_an_entry_that_the_broker_refuses_does_not_hold_up_the_others(engine: Engine) -> None:
    lost = replace(seal(call(1), message_id=fresh_id()), routing_key="nowhere")
    for _ in range(3):
        await leave(engine, [lost], 2 * PAST)
        await leave(engine, [seal(call(1), message_id=fresh_id())])
    async with relaying(engine):
        await eventually(lambda: _depth(engine, 3))
    assert await engine.count("outbox") == 3


async def test_a_timer_fires_once_when_it_is_due(engine: Engine) -> None:
    async with relaying(engine, 2), working(engine.settings, counters()):
        sent = datetime.now(UTC)
        await engine.send(add(1, do="timer a 400"), add(2, do="timer b 400"), add(3, do="timer c 3600000"))
        await eventually(lambda: _totals(engine, 1, 1))
        assert (datetime.now(UTC) - sent).total_seconds() >= 0.4
    assert await engine.total(told(3)) == 0
    assert await engine.database.rows("SELECT timer_key FROM scheduled") == [("c",)]
    assert await engine.count(f"inbox WHERE queue = '{TOLD.name}'") == 2


async def test_a_moved_timer_fires_at_its_new_time_only(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        for wait in (50, 3_600_000):
            ids = await engine.send(add(1, do=f"timer moved {wait}"))
            await eventually(lambda sent=ids: _is_done(engine, sent))  # type: ignore[misc]
        await engine.send(add(2, do="timer other 50"))
        async with relaying(engine):
            await eventually(lambda: _totals(engine, 0, 1))
    assert await engine.database.rows("SELECT timer_key FROM scheduled") == [("moved",)]


async def test_a_timer_that_another_relay_is_firing_is_left_to_it(engine: Engine) -> None:
    await commit(engine, delivery(ADD, add(1, do="timer a 0")))
    first, second = (Relay("meeting", engine.settings.meeting_db_url, engine.publisher) for _ in range(2))
    async with (
        connected(engine.settings.meeting_db_url, autocommit=False) as mine,
        connected(engine.settings.meeting_db_url, autocommit=False) as other,
    ):
        assert len(await first._lease(mine, "scheduled", "timer_key", "message", "due_at", 10)) == 1
        await second.timers(other)
    assert await engine.depth(TOLD.name) == 0


async def test_a_timer_that_is_moved_while_it_is_leased_waits_for_its_new_time_only(engine: Engine) -> None:
    await commit(engine, delivery(ADD, add(1, do="timer a 3600000")))
    await engine.database.change("UPDATE scheduled SET lease_until = '2999-01-01'")
    await commit(engine, delivery(ADD, add(1, do="timer a 0")))
    async with relaying(engine):
        await eventually(lambda: _empty(engine, "scheduled"))
    assert await engine.depth(TOLD.name) == 1


async def test_a_cancelled_timer_does_not_fire(engine: Engine) -> None:
    async with working(engine.settings, counters()):
        for do in ("timer off 50", "stop off"):
            ids = await engine.send(add(1, do=do))
            await eventually(lambda sent=ids: _is_done(engine, sent))  # type: ignore[misc]
    assert await engine.count("scheduled") == 0


async def test_within_one_flush_the_last_word_on_a_timer_counts(engine: Engine) -> None:
    said = ["timer a 9000", "stop a", "timer b 9000", "stop b", "timer b 8000", "stop c", "timer c 9000"]
    await commit(engine, *(delivery(ADD, add(1, do=do)) for do in said))
    rows = await engine.database.rows("SELECT timer_key FROM scheduled ORDER BY timer_key")
    assert rows == [("b",), ("c",)]


async def test_a_timer_whose_relay_died_after_publishing_is_absorbed(engine: Engine) -> None:
    await commit(engine, delivery(ADD, add(1, do="timer a 0")))
    rows = await engine.database.rows("SELECT * FROM scheduled")
    async with working(engine.settings, counters()):
        for _ in range(2):
            async with relaying(engine):
                await eventually(lambda: _empty(engine, "scheduled"))
            await engine.database.change(
                "INSERT INTO scheduled VALUES (%s, '2020-01-01', '1970-01-01', %s)", rows[0][0], rows[0][3]
            )
        await eventually(lambda: _totals(engine, 1))
        await eventually(lambda: _drained(engine))
    assert await engine.total(told(1)) == 1


async def test_old_inbox_entries_are_purged_and_others_kept(engine: Engine) -> None:
    message_ids = await engine.send(add(1), add(2))
    async with working(engine.settings, counters()):
        await eventually(lambda: _is_done(engine, message_ids))
    await engine.database.change("UPDATE inbox SET handled_at = '2020-01-01' ORDER BY message_id LIMIT 1")
    relay = Relay("meeting", engine.settings.meeting_db_url, engine.publisher)
    relay._purged -= 3_600
    async with connected(engine.settings.meeting_db_url) as database:
        await relay._purge(database)
    assert await engine.count("inbox") == 1


async def test_a_message_that_has_no_route_is_an_error(engine: Engine) -> None:
    lost = replace(seal(call(1), message_id=fresh_id()), routing_key="nowhere")
    with pytest.raises(PublishError, match="1 of 3 messages were refused"):
        await engine.send(seal(call(1), message_id=fresh_id()), lost, call(2))
    assert await engine.depth("notification.send.queue") == 2


async def test_who_publishes_at_once_hears_of_its_own_messages_only(engine: Engine) -> None:
    """Also while the connection's write queue is full."""

    async def publish(number: int) -> list[bool]:
        body = b"x" * (200_000 if number % 2 else 10)
        key = "nowhere" if number % 5 == 0 else "notification.send"
        heard = []
        for _ in range(5):
            try:
                await engine.send(replace(seal(call(number), message_id=fresh_id()), routing_key=key, body=body))
            except PublishError:
                heard.append(False)
            else:
                heard.append(True)
        return heard

    heard = await asyncio.gather(*map(publish, range(60)))
    assert heard == [[number % 5 != 0] * 5 for number in range(60)]
    assert await engine.depth("notification.send.queue") == 48 * 5


async def _totals(engine: Engine, *counters: int) -> bool:
    """Whether counter 1, 2, … (as many as are given) have been told so often."""
    return [await engine.total(told(n)) for n in range(1, len(counters) + 1)] == list(counters)


async def _is_done(engine: Engine, message_ids: list[str]) -> bool:
    return all([await engine.state(message_id) == "done" for message_id in message_ids])


async def _empty(engine: Engine, table: str) -> bool:
    return await engine.count(table) == 0


async def _one_left(engine: Engine) -> bool:
    return await engine.count("outbox") == 1


async def _drained(engine: Engine) -> bool:
    return await engine.depth(TOLD.name) == 0


async def _depth(engine: Engine, count: int) -> bool:
    return await engine.depth("notification.send.queue") == count
