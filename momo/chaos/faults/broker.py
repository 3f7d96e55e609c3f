"""Faults of RabbitMQ: killed, full, and what its administrators do to queues, policies, connections and channels."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import aiohttp
import aiormq

from contracts.topology import Queue, queue_named
from momo.broker.management import ask, vhost_of
from momo.broker.topology import declare, topology
from momo.chaos.site import Site

AWAY_SECONDS = 1.0
FULL_SECONDS = 5.0
POLICY = "momo-chaos"
POLICY_SECONDS = 4.0
EMPTY_SECONDS = 15.0
GONE_SECONDS = 0.5
YOUNG_SECONDS = 3.5
"""RabbitMQ may lose a quorum queue that is younger than 3 s when it is killed."""
COMMANDS = ("meeting.join.queue", "meeting.cancel.queue", "user.follow.queue", "user.unfollow.queue")
"""Queues that only gateways feed, each the only one of its key: what can't be routed to one is refused, not lost."""
USUAL_DISK_LIMIT = "50MB"

CLOSE_CHANNELS = """
[rabbit_channel:do(Channel, {'queue.declare', 0, <<"momo.nowhere">>, true, false, false, false, false, []})
 || Channel <- rabbit_channel:list_local()], ok.
"""
"""Each channel is asked, as if by its client, for a queue that is not there, which is an error that closes it."""


DELETE_EMPTY = """
{ok, Queue} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"%s">>, queue, <<"%s">>)),
case element(2, ra:consistent_query(amqqueue:get_pid(Queue), fun rabbit_fifo:query_messages_total/1)) of
    0 -> rabbit_amqqueue:delete(Queue, false, false, <<"momo-chaos">>), deleted;
    Messages -> Messages
end.
"""
"""What the queue itself counts, with what consumers have in hand: any other count is up to five seconds old."""


async def kill_rabbitmq(site: Site, _: random.Random) -> None:
    """SIGKILL of RabbitMQ, and its restart on the same port and data."""
    try:
        await site.servers.rabbitmq.kill()
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        await site.servers.rabbitmq.start()


async def delete_queue(site: Site, rng: random.Random) -> None:
    """A queue is deleted under its consumers, which the server cancels, and declared again.

    Declared again within some milliseconds, RabbitMQ 3.10 would not cancel its consumers and yet give them messages
    that never arrive. It is empty at that moment, since it was unbound before: what is published meanwhile comes back
    as unroutable, and what waits for another attempt is kept until there is a queue for it.
    Raises TimeoutError where nobody empties it.
    """
    queue = queue_named(rng.choice(COMMANDS))
    connection = await aiormq.connect(site.settings.amqp_url)
    try:
        channel = await connection.channel()
        await channel.queue_unbind(queue.name, queue.exchange, routing_key=queue.key)
        async with asyncio.timeout(EMPTY_SECONDS):
            while not await _deleted(site, queue):  # noqa: ASYNC110  # RabbitMQ tells nobody
                await asyncio.sleep(0.1)
        await asyncio.sleep(GONE_SECONDS)
    finally:
        await declare(site.settings.amqp_url, topology((queue,)))
        await connection.close()
    await asyncio.sleep(YOUNG_SECONDS)


async def change_policy(site: Site, _: random.Random) -> None:
    """A policy that allows the command queues one waiting message, so that publishes are refused, comes and goes."""
    pattern = "^(" + "|".join(name.replace(".", "\\.") for name in COMMANDS) + ")$"
    policy = {"pattern": pattern, "definition": {"max-length": 1}, "apply-to": "queues"}
    path = ("policies", vhost_of(site.settings.amqp_url), POLICY)
    try:
        await ask(site.settings.amqp_management_url, "PUT", *path, body=policy)
        await asyncio.sleep(POLICY_SECONDS)
    finally:
        await ask(site.settings.amqp_management_url, "DELETE", *path)


async def close_connections(site: Site, _: random.Random) -> None:
    """An administrator closes every connection of MOMO's processes."""
    url, ours = site.settings.amqp_management_url, site.proxies["amqp"].sources
    for connection in await ask(url, "GET", "connections"):
        if connection.get("peer_port") in ours:
            with suppress(aiohttp.ClientResponseError):  # it has gone by itself
                await ask(url, "DELETE", "connections", connection["name"])


async def close_channels(site: Site, _: random.Random) -> None:
    """The server closes every channel with an error, those of other clients too; the connections stay."""
    await site.servers.rabbitmq.control("eval", CLOSE_CHANNELS)


async def fill_disk(site: Site, _: random.Random) -> None:
    """RabbitMQ takes its disk for full, and blocks whoever publishes."""
    try:
        await site.servers.rabbitmq.control("set_disk_free_limit", "1000000GB")
        await asyncio.sleep(FULL_SECONDS)
    finally:
        await site.servers.rabbitmq.control("set_disk_free_limit", USUAL_DISK_LIMIT)


async def _deleted(site: Site, queue: Queue) -> bool:
    """Whether `queue` was empty, with nothing given away that may come back, and was deleted."""
    said = await site.servers.rabbitmq.control("eval", DELETE_EMPTY % (vhost_of(site.settings.amqp_url), queue.name))
    return said == "deleted"


FAULTS = {
    "kill-rabbitmq": kill_rabbitmq,
    "delete-queue": delete_queue,
    "change-policy": change_policy,
    "close-connections": close_connections,
    "close-channels": close_channels,
    "fill-disk": fill_disk,
}
