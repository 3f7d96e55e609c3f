"""The topology on a broker: declared from the one table in `contracts.topology`, and compared with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import aiohttp
import aiormq
import msgspec

from contracts.topology import DELAYS_MS, QUEUES, Queue
from momo.broker.failures import delay_exchange
from momo.broker.management import ask, vhost_of

DELIVERY_LIMIT = 8
"""Deliveries without an ack, as of a process that dies on its message, before the broker itself dead-letters it."""


class Exchange(msgspec.Struct, frozen=True, order=True):
    name: str
    type: str


class BrokerQueue(msgspec.Struct, frozen=True):
    """A durable queue as the broker knows it."""

    name: str
    arguments: dict[str, str | int]


class Binding(msgspec.Struct, frozen=True, order=True):
    exchange: str
    queue: str
    key: str


class Topology(msgspec.Struct, frozen=True):
    """All that must stand on the broker."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[BrokerQueue, ...]
    bindings: tuple[Binding, ...]


class TopologyError(Exception):
    """The broker can't be asked, or refuses a declaration; the text says what and why."""


def topology(queues: Sequence[Queue] = QUEUES) -> Topology:
    """What the broker must have for `queues`: exchanges, work and dead-letter queues, and the delay ladder."""
    exchanges = {Exchange(queue.exchange, "topic") for queue in queues}
    exchanges |= {Exchange(queue.dead_letter_exchange, "topic") for queue in queues}
    exchanges |= {Exchange(delay_exchange(ms), "fanout") for ms in DELAYS_MS}
    declared = [_work(queue) for queue in queues]
    declared += [_dead(queue) for queue in queues]
    declared += [_delay(ms) for ms in DELAYS_MS]
    bindings = [Binding(queue.exchange, queue.name, queue.key) for queue in queues]
    bindings += [Binding(q.dead_letter_exchange, q.dead_letter_queue, q.dead_letter_queue) for q in queues]
    bindings += [Binding(delay_exchange(ms), delay_exchange(ms), "") for ms in DELAYS_MS]
    return Topology(tuple(sorted(exchanges)), tuple(declared), tuple(bindings))


async def declare(url: str, wanted: Topology) -> None:
    """Declares all of `wanted`; what is there already stays. Raises TopologyError."""
    try:
        connection = await aiormq.connect(url)
        try:
            channel = await connection.channel()
            for exchange in wanted.exchanges:
                await channel.exchange_declare(exchange.name, exchange_type=exchange.type, durable=True)
            for queue in wanted.queues:
                await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
            for binding in wanted.bindings:
                await channel.queue_bind(binding.queue, binding.exchange, routing_key=binding.key)
        finally:
            await connection.close()
    except (aiormq.exceptions.AMQPError, OSError) as error:
        raise TopologyError(f"the broker refused the topology: {error}") from error


async def check(url: str, management_url: str, wanted: Topology) -> list[str]:
    """Every difference between `wanted` and the broker, a line each. Raises TopologyError where it can't be asked."""
    there = await _fetch(management_url, vhost_of(url))
    differences = list(_missing("exchange", {(e.name, e.type) for e in wanted.exchanges}, there.exchanges))
    differences += _missing("binding", {(b.exchange, b.queue, b.key) for b in wanted.bindings}, there.bindings)
    ours = {queue.name: queue for queue in wanted.queues}
    for name, queue in ours.items():
        arguments = there.queues.get(name)
        if arguments is None:
            differences.append(f"queue {name} is missing")
        elif arguments != queue.arguments:
            differences.append(f"queue {name} has the arguments {arguments}, not {queue.arguments}")
    differences += [f"queue {name} is not in the topology" for name in sorted(there.queues.keys() - ours.keys())]
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
