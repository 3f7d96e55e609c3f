"""The topology on a broker: declared from the one table in `contracts.topology`, and compared with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import aiohttp
import aiormq
import msgspec

from contracts.topology import DELAYS_MS, QUEUES, Queue
from momo.broker.address import connect
from momo.broker.envelope import ACTOR
from momo.broker.failures import delay_exchange
from momo.broker.management import ask, vhost_of

DELIVERY_LIMIT = 8
"""Deliveries without an ack, as of a process that dies on its message, before the broker itself dead-letters it."""


RETIRED = "momo.partition.retired"
"""The type of the message that ends a partition: nothing more is published to it."""


class Exchange(msgspec.Struct, frozen=True, order=True):
    name: str
    type: str
    hash_header: str = ""
    """Of a consistent-hash exchange: the header by which it chooses."""


class BrokerQueue(msgspec.Struct, frozen=True):
    """A durable queue as the broker knows it."""

    name: str
    arguments: dict[str, str | int]


class Binding(msgspec.Struct, frozen=True, order=True):
    """What `exchange` gets under `key` goes to a queue, or to an exchange if `onward`, called `to`."""

    exchange: str
    to: str
    key: str
    onward: bool = False


class Retired(msgspec.Struct, frozen=True):
    """Partitions that get no more messages: `exchange` is gone, and each of `queues` too once it is empty."""

    exchange: str
    queues: tuple[str, ...]


class Topology(msgspec.Struct, frozen=True):
    """All that must stand on the broker; and what must not any more: `unbound`, and what is `retired`."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[BrokerQueue, ...]
    bindings: tuple[Binding, ...]
    unbound: tuple[Binding, ...] = ()
    retired: tuple[Retired, ...] = ()


class TopologyError(Exception):
    """The broker can't be asked, or refuses a declaration; the text says what and why."""


def topology(queues: Sequence[Queue] = QUEUES) -> Topology:
    """What the broker must have for `queues`: exchanges, work and dead-letter queues, partitions, the delay ladder."""
    split = [queue for queue in queues if queue.is_split]
    exchanges = {Exchange(queue.exchange, "topic") for queue in queues}
    exchanges |= {Exchange(queue.dead_letter_exchange, "topic") for queue in queues}
    exchanges |= {Exchange(delay_exchange(ms), "fanout") for ms in DELAYS_MS}
    exchanges |= {Exchange(queue.partition_exchanges[-1], "x-consistent-hash", ACTOR) for queue in split}
    declared = [_work(queue) for queue in queues]
    declared += [_partition(queue, name) for queue in split for name in queue.partition_queues[-1]]
    declared += [_dead(queue) for queue in queues]
    declared += [_delay(ms) for ms in DELAYS_MS]
    whole = {queue: Binding(queue.exchange, queue.name, queue.key) for queue in queues}
    bindings = [binding for queue, binding in whole.items() if not queue.is_split]
    # the weight of each is its key: all the same
    bindings += [Binding(q.partition_exchanges[-1], name, "1") for q in split for name in q.partition_queues[-1]]
    bindings += [Binding(q.exchange, q.partition_exchanges[-1], q.key, onward=True) for q in split]
    bindings += [Binding(q.dead_letter_exchange, q.dead_letter_queue, q.dead_letter_queue) for q in queues]
    bindings += [Binding(delay_exchange(ms), delay_exchange(ms), "") for ms in DELAYS_MS]
    return Topology(
        tuple(sorted(exchanges)),
        tuple(declared),
        tuple(bindings),
        unbound=tuple(whole[queue] for queue in split),
        retired=tuple(
            Retired(exchange, names)
            for queue in queues
            for exchange, names in zip(queue.partition_exchanges[:-1], queue.partition_queues[:-1], strict=True)
        ),
    )


async def declare(url: str, wanted: Topology) -> None:
    """Declares all of `wanted`; what is there already stays, but for what is unbound and retired. Messages flow all the
    while: for a moment to the old place and the new one, where the inbox absorbs one of the two. Raises TopologyError.
    """
    try:
        connection = await connect(url)
        try:
            channel = await connection.channel()
            for exchange in wanted.exchanges:
                await channel.exchange_declare(
                    exchange.name,
                    exchange_type=exchange.type,
                    durable=True,
                    arguments={"hash-header": exchange.hash_header} if exchange.hash_header else None,
                )
            for queue in wanted.queues:
                await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
            for binding in wanted.bindings:
                if binding.onward:
                    await channel.exchange_bind(binding.to, binding.exchange, routing_key=binding.key)
                else:
                    await channel.queue_bind(binding.to, binding.exchange, routing_key=binding.key)
            for binding in wanted.unbound:
                await channel.queue_unbind(binding.to, binding.exchange, routing_key=binding.key)
            for retired in wanted.retired:
                await _retire(channel, retired)
        finally:
            await connection.close()
    except (aiormq.exceptions.AMQPError, OSError) as error:
        raise TopologyError(f"the broker refused the topology: {error}") from error


async def _retire(channel: Any, retired: Retired) -> None:
    """With the exchange its bindings go, so this is the last that its queues get; one that is gone is no loss."""
    await channel.exchange_delete(retired.exchange)
    for name in retired.queues:
        last = aiormq.spec.Basic.Properties(message_type=RETIRED, delivery_mode=2)
        await channel.basic_publish(b"", exchange="", routing_key=name, properties=last)


async def check(url: str, management_url: str, wanted: Topology) -> list[str]:
    """Every difference between `wanted` and the broker, a line each. Raises TopologyError where it can't be asked."""
    there = await _fetch(management_url, vhost_of(url))
    differences = list(_missing("exchange", {(e.name, e.type) for e in wanted.exchanges}, there.exchanges))
    differences += _missing("binding", {(b.exchange, b.to, b.key) for b in wanted.bindings}, there.bindings)
    ours = {queue.name: queue for queue in wanted.queues}
    for name, queue in ours.items():
        arguments = there.queues.get(name)
        if arguments is None:
            differences.append(f"queue {name} is missing")
        elif arguments != queue.arguments:
            differences.append(f"queue {name} has the arguments {arguments}, not {queue.arguments}")
    emptied = {name for retired in wanted.retired for name in retired.queues}
    for name in sorted(there.queues.keys() - ours.keys()):
        told = "is retired, and not empty yet" if name in emptied else "is not in the topology"
        differences.append(f"queue {name} {told}")
    return differences


class _There(msgspec.Struct):
    exchanges: set[tuple[str, ...]]
    queues: dict[str, dict[str, Any]]
    bindings: set[tuple[str, ...]]


def _missing(kind: str, wanted: Iterable[tuple[str, ...]], there: set[tuple[str, ...]]) -> Iterable[str]:
    wanted = set(wanted)
    yield from (f"{kind} {' → '.join(item)} is missing" for item in sorted(wanted - there))
    yield from (f"{kind} {' → '.join(item)} is not in the topology" for item in sorted(there - wanted))


async def _fetch(management_url: str, vhost: str) -> _There:
    try:
        answers = {kind: await ask(management_url, "GET", kind, vhost) for kind in ("exchanges", "queues", "bindings")}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TopologyError(f"the management API does not answer: {error}") from error
    named = [e for e in answers["exchanges"] if e["name"] and not e["name"].startswith("amq.")]
    bound = [b for b in answers["bindings"] if b["source"]]
    return _There(
        {(e["name"], e["type"]) for e in named},
        {q["name"]: q["arguments"] for q in answers["queues"] if not q.get("exclusive")},
        {(b["source"], b["destination"], b["routing_key"]) for b in bound},
    )


def _partition(queue: Queue, name: str) -> BrokerQueue:
    """One of the queues that `queue` is split into: one consumer at a time is given messages, the others wait."""
    return BrokerQueue(name, {**_work(queue).arguments, "x-single-active-consumer": True})


def _work(queue: Queue) -> BrokerQueue:
    return BrokerQueue(
        queue.name,
        {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": queue.dead_letter_exchange,
            "x-dead-letter-routing-key": queue.dead_letter_queue,
            # a dead letter leaves its queue only when the other has it; that needs publishes to be rejectable
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


def _dead(queue: Queue) -> BrokerQueue:
    """Looking at a letter and putting it back counts as a delivery; RabbitMQ 4 would throw it away after twenty."""
    return BrokerQueue(queue.dead_letter_queue, {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000})


def _delay(milliseconds: int) -> BrokerQueue:
    """One rung of the ladder: what waited goes through the default exchange to the queue its routing key names."""
    return BrokerQueue(
        delay_exchange(milliseconds),
        {
            "x-queue-type": "quorum",
            "x-message-ttl": milliseconds,
            "x-dead-letter-exchange": "",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
