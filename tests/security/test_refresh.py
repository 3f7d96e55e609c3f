"""Refresh tokens: one that is used twice ends its family and no other, whoever is first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from momo.gateway.problems import ProblemError
from momo.gateway.sessions import LIFETIME_SECONDS, Sessions, family_of
from momo.local.servers import Servers


@pytest_asyncio.fixture(loop_scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    async with Redis.from_url(servers.redis_url) as connection:
        yield connection


@pytest.fixture
def sessions(redis: Redis) -> Sessions:
    return Sessions(redis)


async def refusal(sessions: Sessions, token: str) -> str:
    """The type of the problem that `token` is refused with."""
    with pytest.raises(ProblemError) as caught:
        await sessions.rotate(token)
    assert caught.value.problem.status == 401
    return caught.value.problem.type


async def test_stolen_token_ends_the_family_for_thief_and_member_alike(sessions: Sessions) -> None:
    first = await sessions.begin(7)
    member, second = await sessions.rotate(first)
    assert member == 7
    _, third = await sessions.rotate(second)
    assert await refusal(sessions, first) == "refresh-token-reused"
    for token in (first, second, third):
        assert await refusal(sessions, token) == "refresh-token-unknown"


async def test_other_log_ins_of_the_member_go_on(sessions: Sessions) -> None:
    phone, desk = await sessions.begin(7), await sessions.begin(7)
    await sessions.rotate(phone)
    await refusal(sessions, phone)
    assert (await sessions.rotate(desk))[0] == 7


async def test_of_many_uses_at_once_one_wins_and_the_family_is_over(sessions: Sessions) -> None:
    token = await sessions.begin(7)
    answers = await asyncio.gather(*(sessions.rotate(token) for _ in range(20)), return_exceptions=True)
    won = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(won) == 1
    assert all(isinstance(answer, ProblemError) for answer in answers if answer not in won)
    assert await refusal(sessions, won[0][1]) == "refresh-token-unknown"


async def test_guess_at_the_secret_of_a_known_family_ends_it(sessions: Sessions) -> None:
    token = await sessions.begin(7)
    assert await refusal(sessions, f"{family_of(token)}.guess") == "refresh-token-reused"
    assert await refusal(sessions, token) == "refresh-token-unknown"


async def test_ended_family_stays_ended(sessions: Sessions) -> None:
    token = await sessions.begin(7)
    await sessions.end(family_of(token))
    assert await refusal(sessions, token) == "refresh-token-unknown"


async def test_only_a_digest_is_kept_and_no_longer_than_a_day(sessions: Sessions, redis: Redis) -> None:
    _, token = await sessions.rotate(await sessions.begin(7))
    key = f"session:{family_of(token)}"
    kept = await redis.hgetall(key)
    assert kept[b"member"] == b"7"
    assert token.partition(".")[2].encode() not in repr(kept).encode()
    assert 0 < await redis.ttl(key) <= LIFETIME_SECONDS
