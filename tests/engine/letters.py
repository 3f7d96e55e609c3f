"""Deliveries and AMQP messages made by hand, for what needs no broker."""

from __future__ import annotations

from typing import Any

import aio_pika
import msgspec
from aio_pika import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp import commands
from pamqp.header import ContentHeader

from contracts.base import Message
from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.delivery import Delivery, decode
from momo.broker.identity import fresh_id


class Channel:
    """Remembers what was acknowledged on it."""

    def __init__(self) -> None:
        self.is_closed = False
        self.acks: list[int] = []

    async def basic_ack(self, tag: int, *, multiple: bool, wait: bool) -> None:  # noqa: ARG002 - as aiormq calls it
        assert multiple
        self.acks.append(tag)


def incoming(body: bytes, headers: dict[str, Any] | None = None, **properties: Any) -> IncomingMessage:
    """A message as aio-pika hands it over."""
    message = aio_pika.Message(body, headers=headers or {}, **properties)
    return IncomingMessage(
        DeliveredMessage(
            delivery=commands.Basic.Deliver("consumer", 1, False, "", ""),
            header=ContentHeader(properties=message.properties, body_size=len(body)),
            body=body,
            channel=Channel(),  # type: ignore[arg-type]
        )
    )


def decoded(
    queue: Queue, body: bytes | Message, headers: dict[str, Any] | None = None, tag: int = 1, **properties: Any
) -> Delivery:
    """A delivery of `queue`. Raises Undecodable."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    ledger = Ledger(Channel())
    ledger.take(tag)
    return decode(queue, incoming(content, headers, **properties), ledger, tag)


def delivery(queue: Queue, message: Message, message_id: str = "", **headers: Any) -> Delivery:
    """A delivery of one of our own messages."""
    return decoded(queue, message, headers, message_id=message_id or fresh_id())
