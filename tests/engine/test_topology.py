"""The topology on a real broker: declared whole, and every difference named."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel
from msgspec.structs import replace

from momo.broker.management import ask
from momo.broker.topology import DELIVERY_LIMIT, TopologyError, check, declare, topology
from momo.settings import Settings
from tests.engine.counter import ADD, UNDO

WANTED = topology((ADD, UNDO))
DEAD = next(queue for queue in WANTED.queues if queue.name == UNDO.dead_letter_queue)


@pytest_asyncio.fixture(loop_scope="session")
async def broker(engine_settings: Settings) -> AsyncIterator[Settings]:
    """A vhost of this test alone."""
    url = engine_settings.amqp_management_url
    await ask(url, "PUT", "vhosts", "topology")
    yield replace(engine_settings, amqp_url=engine_settings.amqp_url.rpartition("/")[0] + "/topology")
    await ask(url, "DELETE", "vhosts", "topology")


@pytest_asyncio.fixture(loop_scope="session")
async def channel(broker: Settings) -> AsyncIterator[AbstractChannel]:
    await declare(broker.amqp_url, WANTED)
    connection = await aio_pika.connect(broker.amqp_url)
    async with connection:
        yield await connection.channel()


async def differences(broker: Settings) -> list[str]:
    return await check(broker.amqp_url, broker.amqp_management_url, WANTED)


async def test_what_was_declared_has_no_difference_and_may_be_declared_again(
    broker: Settings, channel: AbstractChannel
) -> None:
    assert await differences(broker) == []
    await declare(broker.amqp_url, WANTED)
    assert await differences(broker) == []


async def test_an_empty_broker_lacks_everything(broker: Settings) -> None:
    assert len(await differences(broker)) == len(WANTED.exchanges) + len(WANTED.queues) + len(WANTED.bindings)


async def test_each_difference_is_named(broker: Settings, channel: AbstractChannel) -> None:
    await channel.queue_delete(ADD.name)
    await channel.queue_delete(UNDO.dead_letter_queue)
    await channel.declare_queue(UNDO.dead_letter_queue, durable=True, arguments={"x-queue-type": "classic"})
    await channel.declare_queue("forgotten.queue", durable=True)
    await channel.declare_exchange("forgotten.exchange", "topic", durable=True)
    queue = await channel.get_queue(UNDO.name)
    await queue.unbind(UNDO.exchange, UNDO.key)
    await queue.bind(UNDO.exchange, "meeting.#")
    assert sorted(await differences(broker)) == sorted(
        [
            "queue meeting.join.queue is missing",
            "binding meeting.exchange → meeting.join.queue → meeting.join is missing",
            f"queue meeting.cancel.dlq has the arguments {{'x-queue-type': 'classic'}}, not {DEAD.arguments}",
            "binding meeting.dlx → meeting.cancel.dlq → meeting.cancel.dlq is missing",
            "queue forgotten.queue is not in the topology",
            "exchange forgotten.exchange → topic is not in the topology",
            "binding meeting.exchange → meeting.cancel.queue → meeting.cancel is missing",
            "binding meeting.exchange → meeting.cancel.queue → meeting.# is not in the topology",
        ]
    )


async def test_a_queue_with_other_arguments_is_not_declared_over(broker: Settings, channel: AbstractChannel) -> None:
    await channel.queue_delete(ADD.name)
    await channel.declare_queue(ADD.name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 1})
    with pytest.raises(TopologyError, match="inequivalent arg"):
        await declare(broker.amqp_url, WANTED)


async def test_a_broker_that_is_not_there_is_told(broker: Settings) -> None:
    with pytest.raises(TopologyError, match="refused the topology"):
        await declare("amqp://guest:guest@127.0.0.1:1/", WANTED)
    with pytest.raises(TopologyError, match="does not answer"):
        await check(broker.amqp_url, "http://guest:guest@127.0.0.1:1", WANTED)


def test_work_queues_are_quorum_queues_that_lose_nothing() -> None:
    work = next(queue for queue in WANTED.queues if queue.name == ADD.name)
    assert work.arguments == {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "meeting.dlx",
        "x-dead-letter-routing-key": "meeting.join.dlq",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
