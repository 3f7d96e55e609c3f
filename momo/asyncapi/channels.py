"""The channels and operations of the AsyncAPI document: where messages are published, and where they lie."""

from __future__ import annotations

from typing import Any

from contracts.base import Message
from contracts.topology import DELAYS_MS, KEYS, QUEUES, Queue, exchange_of
from momo.asyncapi.messages import BINDING
from momo.broker.failures import delay_exchange
from momo.broker.topology import topology
from momo.gateway.health import COMMANDS
from momo.grants import SENDS

GATEWAY = "gateway"
_LASTING = {"durable": True, "autoDelete": False}


def senders(contract: type[Message]) -> list[str]:
    """Who publishes messages of `contract`: `gateway`, or services by name."""
    services = [service for service, sent in SENDS.items() if contract in sent]
    return [GATEWAY, *services] if any(contract in sent for sent in COMMANDS.values()) else services


def channels() -> dict[str, Any]:
    """A channel for each routing key, queue, dead-letter queue and rung of the delay ladder, by name."""
    arguments = {queue.name: queue.arguments for queue in topology().queues}
    found = {key: _key(key, contract) for contract, key in KEYS.items()}
    for queue in QUEUES:
        found[queue.name] = _work(queue, arguments[queue.name])
        found[queue.dead_letter_queue] = _dead(queue, arguments[queue.dead_letter_queue])
    for milliseconds in DELAYS_MS:
        name = delay_exchange(milliseconds)
        found[name] = _delay(name, milliseconds, arguments[name])
    return found


def operations() -> dict[str, Any]:
    """What each process does: a `send` for each routing key and sender, a `receive` for each queue."""
    sent = [(who, key, contract) for contract, key in KEYS.items() for who in senders(contract)]
    return {f"{who}.send.{key}": _send(who, key, contract) for who, key, contract in sent} | {
        f"{queue.service}.receive.{queue.name}": _receive(queue) for queue in QUEUES
    }


def _key(key: str, contract: type[Message]) -> dict[str, Any]:
    exchange = {"name": exchange_of(key), "type": "topic", **_LASTING}
    return {
        "address": key,
        "title": f"{key} on {exchange_of(key)}",
        "messages": _messages(contract),
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
        "x-queues": [queue.name for queue in QUEUES if queue.key == key],
    }


def _work(queue: Queue, arguments: dict[str, str | int]) -> dict[str, Any]:
    return {
        **_queue(queue.name, arguments),
        "description": f"Consumed by the {queue.service} service"
        + (", which decides and commits." if queue.kind == "decision" else ", which calls the world."),
        "messages": _messages(queue.contract),
        "x-service": queue.service,
        "x-kind": queue.kind,
        "x-attempts": queue.attempts,
        "x-dead-letters": {"exchange": queue.dead_letter_exchange, "queue": queue.dead_letter_queue},
    }


def _dead(queue: Queue, arguments: dict[str, str | int]) -> dict[str, Any]:
    return {
        **_queue(queue.dead_letter_queue, arguments),
        "description": f"The dead letters of {queue.name}: `momo dlq` shows, edits, replays and drops them.",
        "messages": _messages(queue.contract),
        "x-origin": queue.name,
        "x-headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
    }


def _delay(name: str, milliseconds: int, arguments: dict[str, str | int]) -> dict[str, Any]:
    return {
        **_queue(name, arguments),
        "description": f"A message waits here for {milliseconds:,} ms, then goes back to the queue that its routing key"
        " names. Filled through the fanout exchange of the same name.",
        "messages": {contract.__name__: _reference(contract) for contract in KEYS},
        "x-delay-ms": milliseconds,
    }


def _queue(name: str, arguments: dict[str, str | int]) -> dict[str, Any]:
    queue = {"name": name, "exclusive": False, **_LASTING}
    return {
        "address": name,
        "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": BINDING}},
        "x-arguments": arguments,
    }


def _send(who: str, key: str, contract: type[Message]) -> dict[str, Any]:
    return {
        "action": "send",
        "title": f"{who} sends {key}",
        **_where(key, contract, who),
        "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "timestamp": True, "bindingVersion": BINDING}},
    }


def _receive(queue: Queue) -> dict[str, Any]:
    return {
        "action": "receive",
        "title": f"{queue.service} handles {queue.name}",
        **_where(queue.name, queue.contract, queue.service),
        "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
    }


def _where(channel: str, contract: type[Message], who: str) -> dict[str, Any]:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{contract.__name__}"}],
        "tags": [{"name": who}],
    }


def _messages(contract: type[Message]) -> dict[str, Any]:
    return {contract.__name__: _reference(contract)}


def _reference(contract: type[Message]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{contract.__name__}"}
