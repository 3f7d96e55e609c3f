"""Deliveries and AMQP messages made by hand, for what needs no broker."""

from __future__ import annotations

from typing import Any

import aio_pika
import msgspec
from pamqp.header import ContentHeader

from contracts.base import Message
from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.delivery import Delivery, decode
from momo.broker.identity import fresh_id
from momo.broker.incoming import Incoming, incoming


def arriving(body: bytes, headers: dict[str, Any] | None = None, **properties: Any) -> Incoming:
    """A message as the wire hands it over."""
    message = aio_pika.Message(body, headers=headers or {}, **properties)
    frame = ContentHeader(properties=message.properties, body_size=len(body)).marshal()
    return incoming(frame, body)


def decoded(
    queue: Queue, body: bytes | Message, headers: dict[str, Any] | None = None, tag: int = 1, **properties: Any
) -> Delivery:
    """A delivery of `queue`. Raises Undecodable."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    ledger = Ledger(lambda _: None)
    ledger.take(tag)
    return decode(queue, arriving(content, headers, **properties), ledger, tag)


def delivery(queue: Queue, message: Message, message_id: str = "", **headers: Any) -> Delivery:
    """A delivery of one of our own messages."""
    return decoded(queue, message, headers, message_id=message_id or fresh_id())
