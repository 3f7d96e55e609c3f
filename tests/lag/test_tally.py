"""Counting what is published: where a message goes, and what becomes of the counts while Redis is away."""

from __future__ import annotations

import time

from redis.asyncio import Redis

from momo.broker.envelope import Envelope
from momo.broker.failures import delay_exchange
from momo.lag.backlog import SECONDS_KEPT
from momo.lag.destinations import destinations
from momo.lag.tally import Tally
from momo.lag.told import Told
from momo.settings import Settings
from tests.lag.conftest import JOIN, message, to

URL = "amqp://guest:guest@127.0.0.1:5672/lag"


def test_an_event_counts_for_each_of_its_subscribers() -> None:
    found = destinations("payment.exchange", "payment.completed")
    assert found == (("payment.completed.queue", 0.0), ("payment.completed.notification.queue", 0.0))


def test_a_delayed_message_counts_for_its_delay_now_and_for_its_queue_when_it_comes_back() -> None:
    ladder = delay_exchange(15_000)
    assert destinations(ladder, JOIN) == ((ladder, 0.0), (JOIN, 15.0))


def test_a_replayed_message_counts_for_the_queue_it_is_sent_to() -> None:
    assert destinations("", JOIN) == ((JOIN, 0.0),)


def test_dead_letters_are_not_counted() -> None:
    assert destinations("meeting.dlx", "meeting.join.dlq") == ()


async def test_what_could_not_be_told_is_told_when_redis_is_back(settings: Settings, told: Told, redis: Redis) -> None:
    second = int(time.time())
    up = False
    tally = Tally(redis, settings.amqp_url, healthy=lambda: up)
    tally.confirmed([message(JOIN), message(JOIN)])
    await tally.tell()
    assert await told.seconds(range(second, second + 2)) == {}
    up = True
    tally.confirmed([message(JOIN)])
    await tally.tell()
    await tally.tell()
    found = await told.seconds(range(second, second + 3))
    assert sum(found[JOIN].values()) == 3


async def test_counts_of_a_redis_that_does_not_answer_are_kept_for_an_hour_only() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        tally = Tally(nobody, URL)
        tally._untold[int(time.time()) - 2 * SECONDS_KEPT, JOIN] = 7
        tally.confirmed([message(JOIN)])
        await tally.tell()
        assert sum(tally._untold.values()) == 1


async def test_counts_are_kept_by_the_second_and_by_the_minute(settings: Settings, told: Told, redis: Redis) -> None:
    begin = int(time.time()) // 60 * 60
    await told.tell({(begin, JOIN): 2, (begin + 1, JOIN): 3})
    assert await told.seconds(range(begin, begin + 60)) == {JOIN: {begin: 2, begin + 1: 3}}
    assert await told.minutes([begin]) == {JOIN: {begin: 5}}
    names = await redis.keys("momo.lag.lag.*")
    assert len(names) == 3
    assert all([0 < await redis.ttl(name) <= 25 * 3_600 for name in names])


def test_counting_costs_less_than_half_a_microsecond_a_message() -> None:
    """Of CPU, in batches as a flush sends them: eight kinds of messages among two hundred."""
    flush = [to("meeting.exchange", f"meeting.{n % 8}") for n in range(200)]
    flush += [message(JOIN) for _ in range(56)]
    tally = Tally(Redis.from_url("redis://127.0.0.1:1/0"), URL)
    tally.confirmed(flush)
    best = min(_cpu(tally, flush) for _ in range(20))
    assert best / len(flush) < 0.5e-6


def _cpu(tally: Tally, flush: list[Envelope]) -> float:
    began = time.thread_time()
    for _ in range(20):
        tally.confirmed(flush)
    return (time.thread_time() - began) / 20
