"""Poison: messages that nobody can handle, put into queues on purpose; each must end in its dead-letter queue."""

from __future__ import annotations

import asyncio
import random

import msgspec

from contracts.payment import SettlePayment
from contracts.topology import QUEUES, Queue, queue_named
from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher, PublishError
from momo.chaos.book import Book

UNDECODABLE = (b"", b"\xff\xfe", b"{", b"[]", b'{"meetingId": "seven"}')
PAUSE = 0.5


async def plant(publisher: Publisher, book: Book, chance: random.Random) -> None:
    """A message that can't be decoded and, where a payment can be told lies about, one whose decision raises; returns
    when the broker has them."""
    await _put(publisher, book, chance.choice(QUEUES), chance.choice(UNDECODABLE))
    if book.confirmed:
        lie = SettlePayment(order_id=chance.choice(book.confirmed), status="DONE", total_amount=1)
        await _put(publisher, book, queue_named("payment.settle.queue"), msgspec.json.encode(lie))


async def _put(publisher: Publisher, book: Book, queue: Queue, body: bytes) -> None:
    sealed = seal(SettlePayment(order_id="", status=""), message_id=fresh_id())
    envelope = msgspec.structs.replace(sealed, exchange="", routing_key=queue.name, type=queue.key, body=body)
    book.planted[envelope.message_id] = queue.dead_letter_queue
    while True:
        try:
            await publisher.publish([envelope])
        except PublishError:
            await asyncio.sleep(PAUSE)  # the broker is one of the things that break; a second copy has the same id
        else:
            return
