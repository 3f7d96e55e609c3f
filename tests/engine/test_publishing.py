"""What the publisher takes for confirmed, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from momo.broker.envelope import Envelope, seal
from momo.broker.identity import derived_id
from momo.broker.publisher import Publisher, PublishError
from tests.engine.counter import ADD, add
from tests.engine.engine import Engine


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(engine: Engine) -> AsyncIterator[Publisher]:
    publisher = Publisher(engine.settings.amqp_url, name="momo-tests publishing")
    yield publisher
    await publisher.stop()


def envelope(number: int, key: str = ADD.key) -> Envelope:
    sealed = seal(add(number), message_id=derived_id(bytes(16), str(number)))
    return replace(sealed, routing_key=key)


async def outcomes(publisher: Publisher, *writes: list[Envelope]) -> list[bool]:
    """Whether each of `writes`, all in flight at once, was confirmed."""
    answers = await asyncio.gather(*map(publisher.publish, writes), return_exceptions=True)
    assert all(answer is None or isinstance(answer, PublishError) for answer in answers), answers
    return [answer is None for answer in answers]


async def test_what_can_not_be_routed_is_not_confirmed_and_its_neighbours_are(publisher: Publisher) -> None:
    assert await outcomes(publisher, [envelope(1)], [envelope(2, "nowhere")], [envelope(3)]) == [True, False, True]


@pytest.mark.parametrize("times", [2, 3, 5])
async def test_none_of_several_publishes_of_one_message_that_can_not_be_routed_is_confirmed(
    publisher: Publisher, times: int
) -> None:
    assert await outcomes(publisher, *([envelope(1, "nowhere")] for _ in range(times))) == [False] * times
    assert await outcomes(publisher, [envelope(2)], [envelope(2)]) == [True, True]


async def test_a_message_that_came_back_beside_one_that_was_routed_is_not_confirmed(publisher: Publisher) -> None:
    """The broker names only the message: neither may count as taken, and publishing both again is safe."""
    for first, second in (("nowhere", ADD.key), (ADD.key, "nowhere")):
        confirmed = await outcomes(publisher, [envelope(1, first)], [envelope(1, second)])
        assert not confirmed[(first, second).index("nowhere")]
