"""The age of a queue's oldest message, on a real broker, as an observer tells it who has never looked before."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from msgspec.structs import replace
from redis.asyncio import Redis

from momo.broker.failures import delay_exchange
from momo.broker.topology import declare, topology
from momo.lag.observer import Observer
from momo.lag.told import Told
from momo.settings import Settings
from tests.lag.conftest import JOIN, Publish, about, forget, message, now, of, put, to
from tests.waiting import eventually

CREATE = "meeting.create.queue"


async def wait(settings: Settings, told: Told, queue: str, ages: dict[int, int]) -> None:
    """Messages wait in `queue`: so many have come so many seconds before now."""
    began = int(time.time())
    for age, count in sorted(ages.items(), reverse=True):
        await put(settings, [message(queue) for _ in range(count)])
        await told.tell({(began - age, queue): count})


async def take(channel: Any, queue: str, count: int) -> None:
    for _ in range(count):
        await channel.basic_get(queue, no_ack=True)


async def test_nobody_has_consumed_since_the_publish(settings: Settings, publish: Publish) -> None:
    await publish(message(JOIN))
    began = time.time()
    await asyncio.sleep(2)
    await publish(*(message(JOIN) for _ in range(30)))
    seen = await now(settings, JOIN)
    assert (seen.messages, seen.consumers, seen.kind) == (31, 0, "work")
    assert seen.oldest_age_s == about(time.time() - began)


async def test_what_two_processes_have_published_counts(settings: Settings, publish: Publish, channel: Any) -> None:
    await publish(*(message(JOIN) for _ in range(10)))
    await asyncio.sleep(2.5)
    await asyncio.gather(*(publish(*(message(JOIN) for _ in range(10))) for _ in range(2)))
    await take(channel, JOIN, 9)
    assert (await now(settings, JOIN)).oldest_age_s >= 1.5
    await take(channel, JOIN, 2)
    seen = await now(settings, JOIN)
    assert (seen.messages, seen.oldest_age_s <= 1.5) == (19, True)


async def test_after_hours_the_age_is_right_to_a_minute(settings: Settings, told: Told, channel: Any) -> None:
    hour = 3_600
    began = time.time()
    await wait(settings, told, JOIN, {20 * hour: 2, 5 * hour: 2, 1_000: 2, 3: 2})
    for expected, precision in ((20 * hour, 62), (5 * hour, 62), (1_000, 2), (3, 2)):
        age = (await now(settings, JOIN)).oldest_age_s - (time.time() - began)
        assert age == about(expected, precision)
        await take(channel, JOIN, 2)
    assert (await now(settings, JOIN)).oldest_age_s == 0


async def test_an_age_beyond_all_counts_is_known_by_who_saw_the_queue_empty(settings: Settings, told: Told) -> None:
    await told.tell_since({JOIN: time.time() - 3 * 86_400})
    await put(settings, [message(JOIN)])
    assert (await now(settings, JOIN)).oldest_age_s == about(3 * 86_400, 3)


async def test_when_redis_was_emptied_an_observer_goes_on_and_tells_others(
    settings: Settings, told: Told, redis: Redis
) -> None:
    began = time.time() - 600
    await wait(settings, told, JOIN, {600: 5})
    async with Observer(settings) as observer:
        assert of(await observer.look(), JOIN).oldest_age_s == about(time.time() - began, 2)
        await forget(redis)
        await asyncio.sleep(1)
        assert of(await observer.look(), JOIN).oldest_age_s == about(time.time() - began, 2)
    assert (await now(settings, JOIN)).oldest_age_s == about(time.time() - began, 2)


async def test_when_nobody_knows_anything_the_age_counts_from_the_first_look_and_recovers(
    settings: Settings, publish: Publish, redis: Redis, channel: Any
) -> None:
    await publish(message(JOIN), message(JOIN))
    await asyncio.sleep(1.2)
    await forget(redis)
    assert (await now(settings, JOIN)).oldest_age_s <= 0.1
    await asyncio.sleep(1.5)
    assert 1.4 <= (await now(settings, JOIN)).oldest_age_s <= 3
    await publish(message(JOIN))
    await take(channel, JOIN, 2)
    seen = await now(settings, JOIN)
    assert (seen.messages, seen.oldest_age_s <= 1.5) == (1, True)


async def test_what_nobody_tells_of_is_no_older_than_the_empty_queue(settings: Settings, told: Told) -> None:
    await told.tell({(int(time.time()) - 900, JOIN): 50})  # handled long ago
    async with Observer(settings) as observer:
        for _ in range(3):
            await observer.look()
            await asyncio.sleep(0.9)
        await put(settings, [message(JOIN) for _ in range(3)])
        assert of(await observer.look(), JOIN).oldest_age_s <= 1.5
    assert (await now(settings, JOIN)).oldest_age_s <= 3


async def test_a_message_that_waits_for_its_next_attempt(settings: Settings, publish: Publish, channel: Any) -> None:
    ladder = delay_exchange(1_000)
    long = delay_exchange(60_000)
    await publish(to(ladder, JOIN), to(long, CREATE))
    seen = await now(settings, ladder)
    assert (seen.kind, seen.messages, seen.oldest_age_s <= 1.1) == ("delay", 1, True)

    async def back() -> bool:
        return bool((await channel.queue_declare(JOIN, passive=True)).message_count)

    await eventually(back)
    await asyncio.sleep(1.5)
    # its age counts from when it came back
    assert 0.5 <= (await now(settings, JOIN)).oldest_age_s <= 2.6
    assert (await now(settings, ladder)).messages == 0
    assert 1.4 <= (await now(settings, long)).oldest_age_s <= 4


async def test_rates_are_those_of_the_last_seconds(settings: Settings, publish: Publish, channel: Any) -> None:
    async with Observer(settings) as observer:
        began = (await observer.look()).at
        await publish(*(message(JOIN) for _ in range(40)))
        await take(channel, JOIN, 30)
        await asyncio.sleep(2)
        last = await observer.look()
    passed = last.at - began
    assert of(last, JOIN).published_rate * passed == about(40, 4)
    assert of(last, JOIN).handled_rate * passed == about(30, 3)


async def test_what_is_away_is_named_and_the_rest_is_told(settings: Settings) -> None:
    away = replace(
        settings,
        amqp_url="amqp://guest:guest@127.0.0.1:1/lag",
        redis_url="redis://127.0.0.1:1/0",
        payment_db_url="mysql://root@127.0.0.1:1/none",
    )
    async with Observer(away) as observer:
        seen = await observer.look()
    assert seen.unknown == ("broker", "database:payment", "redis")
    assert seen.queues == ()
    assert {outbox.service for outbox in seen.outboxes} == {"user", "meeting", "notification"}


async def test_a_queue_that_is_not_declared_is_named(settings: Settings, channel: Any) -> None:
    await channel.queue_delete(CREATE)
    try:
        async with Observer(settings) as observer:
            seen = await observer.look()
            assert CREATE in seen.unknown
            assert CREATE not in {queue.name for queue in seen.queues}
            assert len(seen.queues) == 79
    finally:
        await declare(settings.amqp_url, topology())
