"""Heads of HTTP requests: address and headers may have 32 KiB together; what is more, or no HTTP, is a problem."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contracts.outcome import Problem
from momo.gateway.problems import on_the_wire

MOST_BYTES = 32 * 1024

HEAD_TOO_LARGE = Problem(
    type="head-too-large",
    title=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE.phrase,
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE.value,
    detail="Address and headers may have 32 KiB together.",
)
MALFORMED = Problem(
    type="malformed-request",
    title=HTTPStatus.BAD_REQUEST.phrase,
    status=HTTPStatus.BAD_REQUEST.value,
    detail="The request is not HTTP/1.1.",
)


class HeadTooLarge(Exception):
    """Raised within the parser, which then gives the request up."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol over httptools, which would itself take a head of any size."""

    _head = 0
    _unfinished = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # the parser keeps an address or a header that has no end yet, and tells nobody of it
        if self._in_head and not self.transport.is_closing():
            self._unfinished += len(data)
            if self._unfinished > MOST_BYTES:
                self._head = self._unfinished
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._unfinished = 0
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own text is for its log
        """Answers what the parser gave up."""
        found = HEAD_TOO_LARGE if self._head > MOST_BYTES else MALFORMED
        body = msgspec.json.encode(on_the_wire(found))
        head = (
            f"HTTP/1.1 {found.status} {found.title}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MOST_BYTES:
            raise HeadTooLarge
