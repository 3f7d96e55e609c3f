"""The age of the oldest dead letter, whatever operators take away and send back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from contracts.topology import queue_named
from momo.broker.envelope import Envelope
from momo.broker.failures import DIED, ORIGIN, REASON
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.dlq.holding import connection, holding
from momo.lag.observer import Observer
from momo.lag.snapshot import QueueLag
from momo.settings import Settings
from tests.lag.conftest import JOIN, forget, now, of, put, to
from tests.waiting import eventually

QUEUE = queue_named(JOIN)
LETTERS = QUEUE.dead_letter_queue


def letter(minutes: float) -> Envelope:
    """One that died so many minutes ago."""
    died_at = datetime.now(UTC) - timedelta(minutes=minutes)
    headers = {DIED: died_at.isoformat(), REASON: "failed", ORIGIN: JOIN}
    return to(QUEUE.dead_letter_exchange, LETTERS, headers=headers)


def minutes_of(seen: QueueLag) -> float:
    return seen.oldest_age_s // 60


async def test_letters_taken_away_in_any_order(settings: Settings) -> None:
    desk = Desk(settings, by="kim")
    letters = [letter(minutes) for minutes in (600, 300, 60, 10)]
    await put(settings, letters)
    async with Observer(settings) as observer:
        seen = of(await observer.look(), LETTERS)
        assert (seen.kind, seen.messages, minutes_of(seen)) == ("dead", 4, 600)
        for gone, left, oldest in ((1, 3, 600), (0, 2, 60), (3, 1, 60)):
            await desk.drop(Choice(id=letters[gone].message_id), "a test's")

            async def told(left: int = left, oldest: int = oldest) -> bool:
                seen = of(await observer.look(), LETTERS)
                return (seen.messages, minutes_of(seen)) == (left, oldest)

            await eventually(told)
        replayed = time.time()
        await desk.replay(Choice(id=letters[2].message_id))
    assert (await now(settings, LETTERS)).messages == 0
    assert (await now(settings, JOIN)).oldest_age_s <= time.time() - replayed + 0.1


async def test_letters_are_not_lost_by_being_looked_at(settings: Settings) -> None:
    await put(settings, [letter(10), letter(5)])
    for _ in range(5):
        assert minutes_of(await now(settings, LETTERS)) == 10
    assert (await now(settings, LETTERS)).messages == 2


async def test_while_a_desk_holds_the_letters_nothing_is_taken_from_it_and_they_are_still_told(
    settings: Settings, redis: Redis
) -> None:
    await put(settings, [letter(10), letter(5)])
    async with Observer(settings) as observer:
        assert minutes_of(of(await observer.look(), LETTERS)) == 10
        async with connection(settings.amqp_url) as opened, holding(opened, QUEUE) as held:
            await forget(redis)
            # nobody may look at the head now: its age counts from the first look
            unknown = await now(settings, LETTERS)
            assert (unknown.messages, unknown.oldest_age_s < 60) == (2, True)
            async for found, _ in held.letters(1):
                assert found.id
            observer._seen = 0
            seen = of(await observer.look(), LETTERS)
            assert (seen.messages, minutes_of(seen)) == (2, 10)
    assert minutes_of(await now(settings, LETTERS)) == 10


async def test_a_letter_that_does_not_say_when_it_died_counts_from_when_it_was_seen(settings: Settings) -> None:
    await put(settings, [to(QUEUE.dead_letter_exchange, LETTERS)])
    assert (await now(settings, LETTERS)).oldest_age_s < 1
    assert (await now(settings, LETTERS)).oldest_age_s < 3
