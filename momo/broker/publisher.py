"""Publishing: a whole flush in one write, persistent and mandatory, with its confirms awaited together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
import prometheus_client
from aiormq.abc import ChannelFrame
from aiormq.exceptions import AMQPError, DeliveryError

from momo.broker import frames
from momo.broker.address import connect, connection_url
from momo.broker.confirms import Confirms
from momo.broker.envelope import Envelope
from momo.telemetry import lines, metrics

log = logging.getLogger(__name__)
_BROKEN = (AMQPError, OSError, RuntimeError, asyncio.TimeoutError, EOFError)


AT_ONCE = 500


class PublishError(Exception):
    """Not every message was confirmed: the broker is away, took too long, refused one or could not route it.

    What was not confirmed may or may not be in its queue; publishing it again under the same message id is safe.
    """


class Refused(PublishError):
    """The broker could not route some of the messages, or had no room for them."""


class Sight(msgspec.Struct, frozen=True):
    """A queue's consumers, of all processes, and its messages that are given to none of them."""

    consumers: int
    waiting: int


class Publisher:
    """One connection with one confirming channel, opened when first needed and again after a loss. `confirmed` hears of
    all that the broker has taken, a write at a time."""

    def __init__(
        self, url: str, *, name: str, confirmed: Callable[[Sequence[Envelope]], None] = lambda _: None
    ) -> None:
        self._url = connection_url(url, f"{name} publisher")
        self._name = name
        self._confirmed = confirmed
        self._connection: Any = None
        self._channel: Any = None
        self._looking: Any = None
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
        """Publishes all and waits until the broker has confirmed each (`timeout` in seconds for each write of up to
        500). Raises PublishError; what comes after the write that failed is not sent."""
        for start in range(0, len(envelopes), AT_ONCE):
            part = envelopes[start : start + AT_ONCE]
            result, began = "lost", time.perf_counter()
            try:
                await self._publish(part, timeout)
                result = "confirmed"
            except Refused:
                result = "refused"
                raise
            finally:
                for exchange, count in Counter([envelope.exchange for envelope in part]).items():
                    _counted(exchange, result).inc(count)
            metrics.PUBLISH_SECONDS.observe(time.perf_counter() - began)
            lines.sent(part)
            self._confirmed(part)

    async def _publish(self, envelopes: Sequence[Envelope], timeout: float) -> None:  # noqa: ASYNC109
        confirms: Confirms | None = None
        try:
            async with asyncio.timeout(timeout):
                # the broker numbers messages as they come: in the order in which they were numbered here
                async with self._writing:
                    channel = self._channel if self.connected else await self._open()
                    confirms = Confirms(channel)
                    await channel.connection.write_queue.put(_frame(channel, envelopes, confirms))
                await asyncio.wait((confirms.finished, channel.closing), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            # a channel with confirms outstanding can't be told from a dead one: start afresh
            await self._drop()
            raise PublishError(f"{len(envelopes)} messages were not confirmed within {timeout} s") from error
        except (AMQPError, OSError, RuntimeError) as error:
            await self._drop()
            raise PublishError(f"the broker went away while publishing: {error}") from error
        finally:
            if confirms is not None:
                confirms.forget()
        if not confirms.finished.done():
            raise PublishError(f"the broker closed the channel before it had confirmed {len(envelopes)} messages")
        if confirms.refused:
            if any(type(error) is DeliveryError for error in confirms.refused):
                await self._renew(channel)
            first = _describe(confirms.refused[0])
            raise Refused(f"{len(confirms.refused)} of {len(envelopes)} messages were refused: {first}")

    async def look(self, queue: str) -> Sight:
        """What is seen of `queue` from outside. Raises PublishError where the broker or the queue is not there."""
        try:
            # all of it: on a connection that is dropped half-way, aiormq would wait for an answer for ever
            async with asyncio.timeout(5):
                if not self.connected:
                    await self._open()
                # a passive declare of a queue that is missing closes its channel: not the one we publish on
                channel = self._looking
                if channel is None or channel.is_closed or channel.connection is not self._connection:
                    channel = await self._connection.channel(publisher_confirms=False)
                answer = await channel.queue_declare(queue, passive=True)
        except _BROKEN as error:
            raise PublishError(f"{queue}: {_describe(error)}") from error
        self._looking = channel
        return Sight(int(answer.consumer_count or 0), int(answer.message_count or 0))

    async def _renew(self, channel: Any) -> None:
        """Once a queue has refused a message of a channel, RabbitMQ may refuse all that follow on it, though there is
        room again."""
        if channel is self._channel and not channel.confirmations:
            self._channel = None
            try:
                await channel.close()
            except _BROKEN as error:
                log.info("the refused channel of %s did not close in order: %s", self._name, _describe(error))

    async def _open(self) -> Any:
        async with self._opening:
            if self.connected:
                return self._channel
            if self._connection is None or self._connection.is_closed or self._channel is not None:
                await self._drop()
            try:
                async with asyncio.timeout(5):
                    self._connection = self._connection or await connect(self._url)
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


def _frame(channel: Any, envelopes: Sequence[Envelope], confirms: Confirms) -> ChannelFrame:
    """All of `envelopes` as one write."""
    size = channel.max_content_size
    payload = b"".join([frames.publish(envelope, channel.number, size) for envelope in envelopes])
    for envelope in envelopes:
        confirms.expect(envelope.message_id)
    return ChannelFrame(payload=payload, should_close=False)


@cache
def _counted(exchange: str, result: str) -> prometheus_client.Counter:
    return metrics.PUBLISHES.labels(exchange or "default", result)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
