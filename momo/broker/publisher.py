"""Publishing: a whole flush in one write, persistent and mandatory, with its confirms awaited together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiormq
from aiormq.abc import ChannelFrame
from aiormq.exceptions import AMQPError
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from momo.broker.address import connection_url
from momo.broker.envelope import (
    ATTEMPT,
    CAUSATION,
    FINGERPRINT,
    FIRST_PUBLISHED,
    SENDER,
    TRACEPARENT,
    Envelope,
)

log = logging.getLogger(__name__)
_BROKEN = (AMQPError, OSError, RuntimeError, asyncio.TimeoutError, EOFError)


class PublishError(Exception):
    """Not every message was confirmed: the broker is away, took too long, refused one or could not route it.

    What was not confirmed may or may not be in its queue; publishing it again under the same message id is safe.
    """


class Publisher:
    """One connection with one confirming channel, opened when first needed and again after a loss."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = connection_url(url, f"{name} publisher")
        self._name = name
        self._connection: Any = None
        self._channel: Any = None
        self._opening = asyncio.Lock()
        self._writing = asyncio.Lock()

    @property
    def connected(self) -> bool:
        return self._channel is not None and not self._channel.is_closed

    async def start(self) -> None:
        """Connects where that is possible now; a broker that is away is tried again at the next publish."""
        try:
            await self._open()
        except PublishError as error:
            log.warning("%s", error)

    async def stop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def publish(self, envelopes: Sequence[Envelope], *, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Publishes all and waits until the broker has confirmed each (`timeout` in seconds). Raises PublishError."""
        if not envelopes:
            return
        pending: _Pending | None = None
        try:
            async with asyncio.timeout(timeout):
                # the broker numbers messages as they come: in the order in which they were numbered here
                async with self._writing:
                    channel = self._channel if self.connected else await self._open()
                    pending = self._write(channel, envelopes)
                    await channel.connection.write_queue.put(pending.frame)
                results = await asyncio.gather(*pending.confirms, return_exceptions=True)
        except TimeoutError as error:
            # a channel with confirms outstanding can't be told from a dead one: start afresh
            await self._drop()
            raise PublishError(f"{len(envelopes)} messages were not confirmed within {timeout} s") from error
        except (AMQPError, OSError, RuntimeError) as error:
            await self._drop()
            raise PublishError(f"the broker went away while publishing: {error}") from error
        finally:
            if pending is not None:
                pending.forget()
        if failures := [result for result in results if isinstance(result, BaseException)]:
            raise PublishError(f"{len(failures)} of {len(envelopes)} messages were refused: {_describe(failures[0])}")

    async def consumers(self, queue: str) -> int:
        """How many consumers `queue` has. Raises PublishError where the broker or the queue is not there."""
        channel = None
        try:
            if not self.connected:
                await self._open()
            # a passive declare of a queue that is missing closes its channel: not the one we publish on
            channel = await self._connection.channel(publisher_confirms=False)
            answer = await channel.queue_declare(queue, passive=True, timeout=5)
            return int(answer.consumer_count)
        except _BROKEN as error:
            raise PublishError(f"{queue}: {_describe(error)}") from error
        finally:
            if channel is not None and not channel.is_closed:
                await channel.close()

    def _write(self, channel: Any, envelopes: Sequence[Envelope]) -> _Pending:
        frames: list[Any] = []
        pending = _Pending(channel)
        for envelope in envelopes:
            channel.delivery_tag += 1
            tag = channel.delivery_tag
            # each confirm, and each return of an unroutable message, is told to its own future
            confirm = channel.create_future()
            channel.confirmations[tag] = confirm
            channel.message_id_delivery_tag[envelope.message_id] = tag
            pending.confirms.append(confirm)
            pending.tags[envelope.message_id] = tag
            frames.append(
                commands.Basic.Publish(exchange=envelope.exchange, routing_key=envelope.routing_key, mandatory=True)
            )
            frames.append(ContentHeader(properties=_properties(envelope), body_size=len(envelope.body)))
            body = envelope.body
            size = channel.max_content_size
            frames.extend(ContentBody(body[start : start + size]) for start in range(0, len(body), size))
        pending.frame = ChannelFrame.marshall(channel_number=channel.number, frames=frames)
        return pending

    async def _open(self) -> Any:
        async with self._opening:
            if self.connected:
                return self._channel
            await self._drop()
            try:
                async with asyncio.timeout(5):
                    self._connection = await aiormq.connect(self._url)
                    self._channel = await self._connection.channel(publisher_confirms=True)
            except _BROKEN as error:
                await self._drop()
                raise PublishError(f"the broker can't be reached: {_describe(error)}") from error
            return self._channel

    async def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and not connection.is_closed:
            try:
                async with asyncio.timeout(2):
                    await connection.close()
            except _BROKEN as error:
                log.info("the broken connection of %s did not close in order: %s", self._name, _describe(error))


class _Pending:
    """Messages that are written and not yet confirmed."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.frame: Any = None
        self.confirms: list[asyncio.Future[Any]] = []
        self.tags: dict[str, int] = {}

    def forget(self) -> None:
        tags = self.channel.message_id_delivery_tag
        for message_id, tag in self.tags.items():
            # another publish under the same id may be in flight, with a tag of its own
            if tags.get(message_id) == tag:
                del tags[message_id]
        for confirm in self.confirms:
            if not confirm.done():
                confirm.cancel()


def _properties(envelope: Envelope) -> commands.Basic.Properties:
    headers: dict[str, Any] = {
        **envelope.headers,
        ATTEMPT: envelope.attempt,
        FIRST_PUBLISHED: envelope.first_published_ms,
    }
    optional = {
        CAUSATION: envelope.causation_id,
        SENDER: envelope.sender,
        FINGERPRINT: envelope.fingerprint,
        TRACEPARENT: envelope.traceparent,
    }
    headers.update({name: value for name, value in optional.items() if value})
    return commands.Basic.Properties(
        content_type="application/json",
        delivery_mode=2,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        reply_to=envelope.reply_to or None,
        message_type=envelope.type,
        timestamp=datetime.fromtimestamp(envelope.first_published_ms // 1000, UTC),
        app_id=envelope.app_id,
        headers=headers,
    )


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
