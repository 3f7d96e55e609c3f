"""Deliveries: what a consumer gets, decoded strictly by its queue's contract, or with the reason why it can't be."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from contracts.base import Message
from contracts.topology import Queue
from momo.broker.acks import Ledger
from momo.broker.envelope import ATTEMPT, CAUSATION, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT
from momo.broker.identity import business_id, fresh_id, id_of_text, text_of_id
from momo.broker.incoming import Incoming

MOST_BYTES = 1_000_000
"""Of a body; the longest of our own has the ids of 10,000 members, about a tenth of it."""
KEPT = 64
"""The inbox keeps so many characters of the ids and names that others give us."""
_FINGERPRINT = re.compile("[0-9a-fA-F]{32}")


class Undecodable(Exception):
    """A message that no retry can help: `reason` is a word for metrics, the text says what is wrong with it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Delivery(msgspec.Struct, kw_only=True, eq=False):
    """A message that the broker has handed us and that we have not settled. `command` is its decoded body."""

    queue: Queue
    command: Message
    body: bytes
    message_id: bytes
    correlation_id: str
    causation_id: str
    sender: str
    fingerprint: str
    reply_to: str
    attempt: int
    first_published_ms: int
    traceparent: str
    ledger: Ledger
    tag: int

    def settle(self) -> None:
        """The message is dealt with; the broker is told at the ledger's next acknowledgement."""
        self.ledger.settle(self.tag)


def decode(queue: Queue, message: Incoming, ledger: Ledger, tag: int) -> Delivery:
    """A Delivery from a message of `queue`. Raises Undecodable."""
    body = message.body
    headers = message.headers
    kind = message.type
    if kind and kind != queue.key:
        raise Undecodable("unknown-type", f"type is {kind!r}, but {queue.name} takes {queue.key!r}")
    if len(body) > MOST_BYTES:
        raise Undecodable("too-large", f"the body has {len(body):,} bytes; {MOST_BYTES:,} are taken")
    try:
        command = _decoder(queue.contract).decode(body)
    except msgspec.ValidationError as error:
        raise Undecodable("invalid", f"the body is no {queue.contract.__name__}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable("malformed", f"the body is not JSON in UTF-8: {error}") from error
    fingerprint = text_of(headers, FINGERPRINT)
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        raise Undecodable("invalid", f"{FINGERPRINT} is not 16 bytes in hexadecimal")
    message_id = identify(queue, command, message.message_id)
    now = time.time_ns() // 1_000_000
    return Delivery(
        queue=queue,
        command=command,
        body=body,
        message_id=message_id,
        correlation_id=(message.correlation_id or text_of_id(message_id))[:KEPT],
        causation_id=text_of(headers, CAUSATION)[:KEPT],
        sender=text_of(headers, SENDER)[:KEPT],
        fingerprint=fingerprint,
        reply_to=message.reply_to,
        attempt=_number(headers, ATTEMPT) or 1,
        first_published_ms=min(_number(headers, FIRST_PUBLISHED) or now, now),
        traceparent=text_of(headers, TRACEPARENT),
        ledger=ledger,
        tag=tag,
    )


def identify(queue: Queue, command: Message, given: str) -> bytes:
    """The 16 bytes that the inbox knows a message by.

    A UUID is taken as it is; another producer's own kind of id, or the contract's business key where there is no id,
    is hashed with the queue's name; an act that may rightly be repeated gets a fresh one.
    """
    if given:
        try:
            return id_of_text(given)
        except ValueError:
            return id_of_text(business_id(queue.name, (given,)))
    fields = queue.contract.business_key
    if not fields:
        return id_of_text(fresh_id())
    return id_of_text(business_id(queue.name, tuple(str(getattr(command, field)) for field in fields)))


@cache
def _decoder(contract: type[Message]) -> msgspec.json.Decoder[Message]:
    return msgspec.json.Decoder(contract)


def text_of(headers: Mapping[str, Any], name: str) -> str:
    """A header's text, or an empty one where it has none."""
    value = headers.get(name)
    return value if isinstance(value, str) else ""


def _number(headers: Mapping[str, Any], name: str) -> int:
    value = headers.get(name)
    return value if isinstance(value, int) and value > 0 else 0
