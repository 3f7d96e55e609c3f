"""Deliveries: what a consumer gets, decoded strictly by its queue's contract, or with the reason why it can't be."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from contracts.base import Message
from contracts.topology import Queue
from contracts.upcasts import NoUpcast, upcast
from momo.broker.acks import Ledger
from momo.broker.envelope import ATTEMPT, CAUSATION, DUE, FINGERPRINT, FIRST_PUBLISHED, SENDER, TRACEPARENT, VERSION
from momo.broker.identity import business_id, fresh_id, id_of_text, text_of_id
from momo.broker.incoming import Incoming

if TYPE_CHECKING:
    from momo.telemetry.spans import Handling

MOST_BYTES = 1_000_000
"""Of a body; the longest of our own has the ids of 10,000 members, about a tenth of it."""
KEPT = 64
"""The inbox keeps so many characters of the ids and names that others give us."""
NEWEST = 2**31 - 1
"""The highest version of a contract that is taken for one."""
NEWER_WAITS_MS = 3_600_000
"""What is newer than this process may wait so long, from its first publish, for one that reads it."""
_FINGERPRINT = re.compile("[0-9a-fA-F]{32}")
_UNIX_MS = re.compile("[0-9]{1,15}")


class Undecodable(Exception):
    """A message that no retry can help: `reason` is a word for metrics, the text says what is wrong with it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Newer(Undecodable):
    """A message of a later version of its contract than this process reads, which another may read soon: a deployment
    is under way."""

    def __init__(self, text: str) -> None:
        super().__init__("newer-version", text)


class Delivery(msgspec.Struct, kw_only=True, eq=False):
    """A message that the broker has handed us and that we have not settled. `command` is its decoded body.

    `body` is as it came, of `version` of the contract; `command` is of ours. `due_ms` is when it was published, or due
    for this attempt (Unix time, ms). A flush or call that takes it says when (Unix time), and whom it is for where that
    is known (see `Handler`); `span` traces it.
    """

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
    due_ms: int
    traceparent: str
    ledger: Ledger
    tag: int
    version: int = 1
    actor: tuple[str, Any] | None = None
    taken: float = 0.0
    span: Handling | None = None

    def settle(self) -> None:
        """The message is dealt with; the broker is told at the ledger's next acknowledgement."""
        self.ledger.settle(self.tag)


def decode(queue: Queue, message: Incoming, ledger: Ledger, tag: int) -> Delivery:
    """A Delivery from a message of `queue`. Raises Undecodable, and of that Newer where it is worth waiting."""
    body = message.body
    headers = message.headers
    kind = message.type
    if kind and kind != queue.key:
        raise Undecodable("unknown-type", f"type is {kind!r}, but {queue.name} takes {queue.key!r}")
    if len(body) > MOST_BYTES:
        raise Undecodable("too-large", f"the body has {len(body):,} bytes; {MOST_BYTES:,} are taken")
    now = time.time_ns() // 1_000_000
    first_published_ms = min(number_of(headers, FIRST_PUBLISHED) or now, now)
    version = headers.get(VERSION, 1)
    try:
        command = read(queue, body, version)
    except Newer as error:
        if now - (number_of(headers, FIRST_PUBLISHED) or message.timestamp * 1000) > NEWER_WAITS_MS:
            raise Undecodable(error.reason, str(error)) from error
        raise
    fingerprint = text_of(headers, FINGERPRINT)
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        raise Undecodable("invalid", f"{FINGERPRINT} is not 16 bytes in hexadecimal")
    message_id = identify(queue, command, message.message_id)
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
        attempt=number_of(headers, ATTEMPT) or 1,
        first_published_ms=first_published_ms,
        due_ms=_due(headers) or first_published_ms,
        traceparent=text_of(headers, TRACEPARENT),
        ledger=ledger,
        tag=tag,
        version=version,
    )


def read(queue: Queue, body: bytes, version: int) -> Message:
    """`body` as a message of `queue`, strictly by its contract; that of an older version is brought to ours first.
    Raises Undecodable."""
    try:
        if version != queue.contract.wire_version:
            body = _ours(queue, body, version)
        return _decoder(queue.contract).decode(body)
    except msgspec.ValidationError as error:
        raise Undecodable("invalid", f"the body is no {queue.contract.__name__}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable("malformed", f"the body is not JSON in UTF-8: {error}") from error


def version_of(headers: Mapping[str, Any]) -> int:
    """The version that a message says it is of; 1 where it says none, or nothing that is a version."""
    version = headers.get(VERSION)
    return version if isinstance(version, int) and 0 < version <= NEWEST else 1


def _ours(queue: Queue, body: bytes, version: int) -> bytes:
    """`body` of another `version`, as ours."""
    key, wanted = queue.key, queue.contract.wire_version
    if not isinstance(version, int) or not 0 < version <= NEWEST:
        raise Undecodable("invalid", f"{VERSION} is not a version: {str(version)[:40]!r}")
    if version > wanted:
        raise Newer(f"version {version} of {key} is newer than version {wanted}, which this process reads")
    fields = msgspec.json.decode(body, type=dict[str, Any])
    try:
        return msgspec.json.encode(upcast(key, fields, version, wanted))
    except NoUpcast as error:
        raise Undecodable("old-version", str(error)) from error
    except Exception as error:  # the fields are anybody's: whatever an upcast raises, its message is at fault
        text = f"version {version} of {key} can't be brought to {wanted}: {type(error).__name__}: {error}"
        raise Undecodable("invalid", text) from error


def identify(queue: Queue, command: Message, given: str) -> bytes:
    """The 16 bytes that the inbox knows a message by.

    A UUID is taken as it is; another producer's own kind of id, or the contract's business key where there is no id,
    is hashed with the queue's name; an act that may rightly be repeated gets a fresh one.
    """
    if given:
        return named(queue, given)
    fields = queue.contract.business_key
    if not fields:
        return id_of_text(fresh_id())
    return id_of_text(business_id(queue.name, tuple(str(getattr(command, field)) for field in fields)))


def named(queue: Queue, given: str) -> bytes:
    """The 16 bytes for a message of `queue` that came with the id `given`."""
    try:
        return id_of_text(given)
    except ValueError:
        return id_of_text(business_id(queue.name, (given,)))


@cache
def _decoder(contract: type[Message]) -> msgspec.json.Decoder[Message]:
    return msgspec.json.Decoder(contract)


def text_of(headers: Mapping[str, Any], name: str) -> str:
    """A header's text, or an empty one where it has none."""
    value = headers.get(name)
    return value if isinstance(value, str) else ""


def _due(headers: Mapping[str, Any]) -> int:
    text = text_of(headers, DUE)
    return int(text) if _UNIX_MS.fullmatch(text) else 0


def number_of(headers: Mapping[str, Any], name: str) -> int:
    """A header's positive number, or 0 where it has none."""
    value = headers.get(name)
    return value if isinstance(value, int) and value > 0 else 0
