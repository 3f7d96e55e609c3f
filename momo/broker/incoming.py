"""Incoming messages: the properties and headers of a content header frame, read by hand.

Layout: AMQP 0-9-1 specification, sections 2.3.5.2 (content header) and 4.2.5.5 (field tables), class 60 (basic).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import msgspec
from pamqp.decode import embedded_value

DELIVERED = "x-delivery-count"

_FLAGS_AT = 12
_FLAGS = struct.Struct(">H").unpack_from
_LONG = struct.Struct(">I").unpack_from
_INTEGER = struct.Struct(">q").unpack_from
_TEXT, _INT64 = ord("S"), ord("l")

# the property flags, in the order in which the properties follow
_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS, _DELIVERY_MODE, _PRIORITY = 1 << 15, 1 << 14, 1 << 13, 1 << 12, 1 << 11
_CORRELATION_ID, _REPLY_TO, _EXPIRATION, _MESSAGE_ID, _TIMESTAMP, _TYPE = (
    1 << 10,
    1 << 9,
    1 << 8,
    1 << 7,
    1 << 6,
    1 << 5,
)


class Incoming(msgspec.Struct, kw_only=True, eq=False):
    """A message as the broker delivers it: what MOMO reads of its properties, empty where it has none.

    `timestamp` is in seconds since 1970. Bytes of a text that are no UTF-8 are left out.
    """

    body: bytes
    headers: dict[str, Any] = {}
    correlation_id: str = ""
    reply_to: str = ""
    message_id: str = ""
    timestamp: int = 0
    type: str = ""


def incoming(header: bytes, body: bytes) -> Incoming:
    """A message of a content header frame's payload and its body. Raises ValueError for a header that is none."""
    try:
        return _incoming(header, body)
    except (IndexError, struct.error) as error:
        raise ValueError(f"a content header of {len(header)} bytes breaks off") from error


def _incoming(header: bytes, body: bytes) -> Incoming:  # noqa: C901 - a line for each property, in their order
    (flags,) = _FLAGS(header, _FLAGS_AT)
    message = Incoming(body=body)
    at = _FLAGS_AT + 2
    if flags & _CONTENT_TYPE:
        at += 1 + header[at]
    if flags & _CONTENT_ENCODING:
        at += 1 + header[at]
    if flags & _HEADERS:
        at, message.headers = _table(header, at)
    if flags & _DELIVERY_MODE:
        at += 1
    if flags & _PRIORITY:
        at += 1
    if flags & _CORRELATION_ID:
        at, message.correlation_id = _short(header, at)
    if flags & _REPLY_TO:
        at, message.reply_to = _short(header, at)
    if flags & _EXPIRATION:
        at += 1 + header[at]
    if flags & _MESSAGE_ID:
        at, message.message_id = _short(header, at)
    if flags & _TIMESTAMP:
        (message.timestamp,) = _INTEGER(header, at)
        at += 8
    if flags & _TYPE:
        at, message.type = _short(header, at)
    return message


def deliveries(message: Incoming) -> int:
    """How often the broker has given `message` to somebody before who did not settle it."""
    count = message.headers.get(DELIVERED, 0)
    return count if isinstance(count, int) else 0


def _short(data: bytes, at: int) -> tuple[int, str]:
    end = at + 1 + data[at]
    return end, data[at + 1 : end].decode(errors="ignore")


def _table(data: bytes, at: int) -> tuple[int, dict[str, Any]]:
    found: dict[str, Any] = {}
    end = at + 4 + _LONG(data, at)[0]
    at += 4
    while at < end:
        begin = at + 1
        at = begin + data[at]
        name = _name(data[begin:at])
        kind = data[at]
        if kind == _TEXT:
            begin = at + 5
            at = begin + _LONG(data, at + 1)[0]
            found[name] = data[begin:at].decode(errors="ignore")
        elif kind == _INT64:
            (found[name],) = _INTEGER(data, at + 1)
            at += 9
        else:  # not ours: any of the other types
            used, found[name] = embedded_value(data[at:end])
            at += used
    return end, found


@lru_cache(maxsize=1024)
def _name(data: bytes) -> str:
    return data.decode(errors="ignore")
