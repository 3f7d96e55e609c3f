"""Answers: what a waiting gateway hears over Redis of the commands that it sent."""

from __future__ import annotations

from msgspec.structs import replace
from redis.asyncio import Redis

from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.live import Reply, decode_replies, reply_channel
from tests.engine.counter import add, counters
from tests.engine.engine import Engine, working
from tests.waiting import eventually


async def test_each_gateway_hears_the_outcomes_of_its_own_commands(engine: Engine) -> None:
    asked = [seal(add(1, 5), message_id=fresh_id(), reply_to="one"), seal(add(1, 1, "refuse"), message_id=fresh_id())]
    asked[1] = replace(asked[1], reply_to="two")
    nobody = seal(add(2), message_id=fresh_id())
    heard: dict[str, list[Reply]] = {"one": [], "two": []}
    redis = Redis.from_url(engine.settings.redis_url)
    listener = redis.pubsub(ignore_subscribe_messages=True)
    names = {reply_channel(gateway).encode(): gateway for gateway in heard}

    async def hear() -> bool:
        if message := await listener.get_message(timeout=0.1):
            heard[names[message["channel"]]] += decode_replies(message["data"])
        return all(len(replies) == 2 for replies in heard.values())

    async with redis, listener:
        await listener.subscribe(*names)
        async with working(engine.settings, counters()):
            await engine.send(*asked, nobody)
            await eventually(lambda: _handled(engine))
            await engine.send(*asked)  # a repeat is answered again, with what is known
            await eventually(hear)
    for gateway, envelope in zip(heard, asked, strict=True):
        first, again = heard[gateway]
        assert first == again
        assert first.message_id == envelope.message_id
        assert first.outcome == await engine.outcome(envelope.message_id)
    assert [replies[0].outcome.state for replies in heard.values()] == ["done", "refused"]


async def _handled(engine: Engine) -> bool:
    return await engine.count("inbox") == 3
