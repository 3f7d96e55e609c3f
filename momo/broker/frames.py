"""AMQP frames of a publish, put together by hand: the general encoder would cost a third of publishing.

Layout: AMQP 0-9-1 specification, sections 2.3.5 (frames) and 2.3.5.2 (content), class 60 (basic).
"""

from __future__ import annotations

import struct
from functools import lru_cache

from momo.broker.envelope import (
    ATTEMPT,
    CAUSATION,
    FINGERPRINT,
    FIRST_PUBLISHED,
    SENDER,
    TRACEPARENT,
    VERSION,
    Envelope,
)

_FRAME = struct.Struct(">BHI").pack
_CONTENT = struct.Struct(">HHQ").pack
_LONG = struct.Struct(">I").pack
_INTEGER = struct.Struct(">q").pack
_END = b"\xce"
_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC = 60
_PUBLISH = struct.pack(">HHH", _BASIC, 40, 0)
_MANDATORY = b"\x01"
# content-type, headers, delivery-mode, correlation-id, message-id, timestamp, type and app-id are always given
_ALWAYS = 1 << 15 | 1 << 13 | 1 << 12 | 1 << 10 | 1 << 7 | 1 << 6 | 1 << 5 | 1 << 3
_REPLY_TO = 1 << 9
_PERSISTENT = b"\x02"


def publish(envelope: Envelope, channel: int, most: int) -> bytes:
    """The frames that publish `envelope` on `channel`, mandatory and persistent, with bodies of at most `most` bytes.

    Raises ValueError for a short string (id, key, type) of more than 255 bytes.
    """
    properties = _properties(envelope)
    body = envelope.body
    header = _FRAME(_HEADER, channel, len(properties) + 12) + _CONTENT(_BASIC, 0, len(body))
    parts = [_method(envelope.exchange, envelope.routing_key, channel), header, properties, _END]
    for start in range(0, len(body), most):
        part = body[start : start + most]
        parts += (_FRAME(_BODY, channel, len(part)), part, _END)
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _method(exchange: str, routing_key: str, channel: int) -> bytes:
    payload = _PUBLISH + _short(exchange) + _short(routing_key) + _MANDATORY
    return _FRAME(_METHOD, channel, len(payload)) + payload + _END


def _properties(envelope: Envelope) -> bytes:
    """The property flags and the properties, in the order of their flags."""
    headers = _headers(envelope)
    reply_to = envelope.reply_to
    return b"".join(
        (
            (_ALWAYS | (_REPLY_TO if reply_to else 0)).to_bytes(2, "big"),
            b"\x10application/json",
            _LONG(len(headers)),
            headers,
            _PERSISTENT,
            _short(envelope.correlation_id),
            _short(reply_to) if reply_to else b"",
            _short(envelope.message_id),
            _INTEGER(envelope.first_published_ms // 1000),
            _short(envelope.type),
            _short(envelope.app_id),
        )
    )


def _headers(envelope: Envelope) -> bytes:
    parts = [_number(ATTEMPT, envelope.attempt), _number(FIRST_PUBLISHED, envelope.first_published_ms)]
    if envelope.version > 1:
        parts.append(_number(VERSION, envelope.version))
    texts = {
        **envelope.headers,
        CAUSATION: envelope.causation_id,
        SENDER: envelope.sender,
        FINGERPRINT: envelope.fingerprint,
        TRACEPARENT: envelope.traceparent,
    }
    for name, value in texts.items():
        if value:
            text = value.encode()
            parts += (_name(name), b"S", _LONG(len(text)), text)
    return b"".join(parts)


def _number(name: str, value: int) -> bytes:
    return _name(name) + b"l" + _INTEGER(value)


def _short(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"{text[:40]!r}… has {len(data)} bytes; AMQP takes at most 255 here")
    return bytes((len(data),)) + data


_name = lru_cache(maxsize=1024)(_short)
