"""What travels through Redis and may be lost: outcomes for gateways that wait, and notices for open sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.notification import BroadcastNotification, SendNotification
from contracts.outcome import Outcome
from momo.breaker import Breaker
from momo.broker.delivery import Delivery
from momo.broker.identity import text_of_id

log = logging.getLogger(__name__)


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The outcome of the command `message_id` for the gateway that named itself in the message's reply_to."""

    message_id: str
    outcome: Outcome


def reply_channel(gateway: str) -> str:
    """Where the gateway process called `gateway` hears outcomes."""
    return f"momo.replies.{gateway}"


BROADCASTS = "momo.push"
"""Where every gateway process hears notices that many members get."""


def push_channel(member_id: int) -> str:
    """Where every gateway process that holds a socket of the member hears notices."""
    return f"momo.push.{member_id}"


_encoder = msgspec.json.Encoder()
decode_replies = msgspec.json.Decoder(list[Reply]).decode
decode_notice = msgspec.json.Decoder(SendNotification).decode
decode_broadcast = msgspec.json.Decoder(BroadcastNotification).decode


def encode_replies(replies: Sequence[Reply]) -> bytes:
    return _encoder.encode(replies)


class Replies:
    """Tells waiting gateways how their commands ended; a gateway that hears nothing looks into the inbox."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, outcomes: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Sends those outcomes that somebody waits for, one Redis message a gateway, without waiting for Redis."""
        by_gateway: dict[str, list[Reply]] = {}
        for delivery, outcome in outcomes:
            if delivery.reply_to:
                reply = Reply(text_of_id(delivery.message_id), outcome)
                by_gateway.setdefault(delivery.reply_to, []).append(reply)
        for gateway, replies in by_gateway.items():
            task = asyncio.create_task(self._publish(reply_channel(gateway), encode_replies(replies)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _publish(self, channel: str, payload: bytes) -> None:
        try:
            await self._redis.publish(channel, payload)
        except (RedisError, OSError) as error:
            log.info("%s was not told; it will look into the inbox: %s", channel, error)


class RedisPush:
    """Pushes notices over Redis: those that come while one write is under way share the next, and none waits longer.

    Raises redis.RedisError, and BreakerOpen while Redis is away: then no notice is worth an attempt.
    """

    def __init__(self, redis: Redis) -> None:
        self.breaker = Breaker("redis", failures=1, reset_after=0.5, longest=5.0, counted=(RedisError, OSError))
        self._redis = redis
        self._waiting: list[tuple[SendNotification, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def send(self, notice: SendNotification) -> None:
        async with self.breaker:
            sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((notice, sent))
            if self._writing is None:
                self._writing = asyncio.create_task(self._write())
            await sent

    async def broadcast(self, notice: BroadcastNotification) -> None:
        async with self.breaker:
            await self._redis.publish(BROADCASTS, _encoder.encode(notice))

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: Exception | None = None
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for notice, _ in batch:
                        pipeline.publish(push_channel(notice.member_id), _encoder.encode(notice))
                    await pipeline.execute()
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits is told, and the next write is made
                failure = error
            for _, sent in batch:
                # a sender that was cancelled meanwhile wants no answer
                if not sent.done():
                    if failure is None:
                        sent.set_result(None)
                    else:
                        sent.set_exception(failure)
        self._writing = None
