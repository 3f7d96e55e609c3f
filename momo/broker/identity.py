"""Message ids: UUIDs (RFC 9562, version 8) that say when, for which service and for whom, and can be derived again.

Layout of a command's id: 48 bits time or key hash, version, 4 bits service, 8 bits hash, variant, 30 bits hash,
32 bits MAC over the rest and the sender. So any gateway can tell, with no state, whose command an id is and whose inbox
knows its outcome; and ids of one moment lie side by side in the inbox's primary key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from uuid import UUID

from momo.settings import SERVICES

_VERSION = 8 << 76
_VARIANT = 2 << 62
_FREE = ((1 << 128) - 1) & ~(0xF << 76) & ~(0x3 << 62)


def command_id(secret: bytes, *, sender: str, service: str, method: str, path: str, key: str | None) -> UUID:
    """The id of a request: the same for the same sender, method, path and Idempotency-Key; fresh without a key."""
    if key is None:
        digest = (time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(6)
    else:
        digest = hmac.digest(secret, f"key\0{sender}\0{method}\0{path}\0{key}".encode(), "sha256")
    high = int.from_bytes(digest[:6], "big") << 80
    low = (digest[6] << 64) | ((int.from_bytes(digest[7:11], "big") & 0x3FFFFFFF) << 32)
    body = high | _VERSION | (SERVICES.index(service) << 72) | _VARIANT | low
    return UUID(int=body | _mac(secret, body, sender))


def issued_to(secret: bytes, message_id: UUID, sender: str) -> bool:
    """Whether `message_id` is a command's id that was made for `sender`."""
    body = message_id.int >> 32 << 32
    mac = (message_id.int & 0xFFFFFFFF).to_bytes(4, "big")
    return message_id.version == 8 and hmac.compare_digest(mac, _mac(secret, body, sender).to_bytes(4, "big"))


def service_of(message_id: UUID) -> str | None:
    """The service whose inbox knows a command, or None where the id names none."""
    number = (message_id.int >> 72) & 0xF
    return SERVICES[number] if number < len(SERVICES) else None


def derived_id(cause: bytes, name: str) -> str:
    """The id of the message that handling `cause` (16 bytes) sends as `name` (the handling queue with a number or a
    timer's key): the same at every repeat.

    It keeps the cause's first 48 bits: what belongs together is stored together.
    """
    digest = hashlib.blake2b(cause + name.encode(), digest_size=10).digest()
    return _text((int.from_bytes(cause[:6], "big") << 80) | int.from_bytes(digest, "big"))


def business_id(queue: str, values: tuple[object, ...]) -> str:
    """The id of a message that came without one: the same for the same act on the same queue."""
    digest = hashlib.blake2b(repr((queue, values)).encode(), digest_size=16).digest()
    return _text(int.from_bytes(digest, "big"))


def fresh_id() -> str:
    """A new id that sorts by time."""
    return _text((time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big"))


def text_of_id(message_id: bytes) -> str:
    """The 16 bytes of an id as text; many times as fast as `uuid.UUID`, and needed a few times a message."""
    digits = message_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_of_text(text: str) -> bytes:
    """The 16 bytes of a UUID, as fast for the usual way to write one. Raises ValueError for what is none."""
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        found = bytes.fromhex(text.replace("-", ""))
        if len(found) == 16:
            return found
    return UUID(text).bytes


def _mac(secret: bytes, body: int, sender: str) -> int:
    digest = hmac.digest(secret, b"mac\0" + body.to_bytes(16, "big") + sender.encode(), "sha256")
    return int.from_bytes(digest[:4], "big")


def _text(number: int) -> str:
    """`number` (128 bits) as the text of a version 8 UUID."""
    return text_of_id(((number & _FREE) | _VERSION | _VARIANT).to_bytes(16, "big"))
