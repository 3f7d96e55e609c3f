"""Requests as commands: one id for one request, published once confirmed, answered with 202 or the outcome."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.base import Message
from contracts.outcome import NO_RESULT, Outcome
from contracts.topology import KEYS
from momo.broker import identity
from momo.broker.envelope import Envelope, seal
from momo.broker.publisher import Publisher, PublishError
from momo.gateway.channels import Channels
from momo.gateway.gathered import Gathered
from momo.gateway.headers import idempotency_key, traceparent, wait_seconds
from momo.gateway.outcomes import Inbox, Known, Outcomes
from momo.gateway.problems import FAILED, answer, on_the_wire, problem
from momo.gateway.queues import Queues
from momo.gateway.written import Written
from momo.store.errors import StoreError
from momo.telemetry import tracing

logger = logging.getLogger(__name__)

PATH = "/api/v2/commands/"
_encode = msgspec.json.Encoder().encode
CLAIM_SECONDS = 86_400


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is on its way; its outcome will be at its Location."""

    id: str
    state: str = "pending"


class CommandGateway:
    """Builds, publishes and answers commands. Keeps no state: every gateway gives a request the same id."""

    def __init__(
        self,
        *,
        secret: bytes,
        publisher: Publisher,
        inbox: Inbox,
        outcomes: Outcomes,
        redis: Redis,
        channels: Channels,
        queues: Queues,
    ) -> None:
        self._secret = secret
        self._publisher = publisher
        self._inbox = inbox
        self._outcomes = outcomes
        self._redis = redis
        self._publishes = Gathered(self._publish_all)
        self._claims = Gathered(self._claim_all)
        self._channels = channels
        self._queues = queues

    async def send(
        self,
        request: Request[Any, Any, Any],
        service: str,
        message: Message,
        *,
        sender: str,
        headers: Mapping[str, str] | None = None,
    ) -> Response[bytes]:
        """Sends `message` to `service` and answers `request`.

        Raises 400 for a malformed Idempotency-Key, 422 for one used with another request, 503 while the queue lags,
        PublishError. Where too many wait already, none is made to: the answer is 202 at once.
        """
        key, wait = idempotency_key(request), 0 if self._outcomes.crowded else wait_seconds(request)
        method, path = str(request.method), str(request.scope["path"])
        message_id = identity.command_id(
            self._secret, sender=sender, service=service, method=method, path=path, key=key
        )
        fingerprint = fingerprint_of(self._secret, method, path, await request.body())
        name = identity.text_of_id(message_id.bytes)
        extra = {**(headers or {}), "Command-Id": name}
        if wait:
            extra["Preference-Applied"] = f"wait={wait}"
        if key is not None and (known := await self._known(service, message_id)):
            if known.fingerprint not in ("", fingerprint):
                raise _reused()
            return final(known.outcome, extra)
        self._queues.admit(f"{KEYS[type(message)]}.queue")
        if key is not None:
            await self._claim(message_id, fingerprint)
        envelope = seal(
            message,
            message_id=name,
            sender=sender,
            fingerprint=fingerprint,
            reply_to=self._outcomes.name if wait else "",
            traceparent=traceparent(request),
            app_id="momo-gateway",
        )
        outcome = await self._publish(service, message_id, envelope, wait)
        return final(outcome, extra) if outcome else pending(name, extra)

    async def _publish(self, service: str, message_id: UUID, envelope: Envelope, wait: int) -> Outcome | None:
        if not wait:
            await self._confirmed(envelope)
            return None
        with self._outcomes.expect(message_id) as future:
            await self._confirmed(envelope)
            return await self._outcomes.wait(service, message_id, future, wait)

    async def _confirmed(self, envelope: Envelope) -> None:
        with tracing.publishing(envelope) as traced:
            await self._publishes.ask(traced)

    async def _publish_all(self, envelopes: Sequence[Envelope]) -> Sequence[Exception | None]:
        try:
            await self._publisher.publish(envelopes)
        except PublishError:
            if len(envelopes) == 1 or not self._publisher.connected:
                raise
            # one of them was refused; published once more, each learns whether it was that one
            alone = (self._publisher.publish([envelope]) for envelope in envelopes)
            found = await asyncio.gather(*alone, return_exceptions=True)
            return [error if isinstance(error, Exception) else None for error in found]
        return [None] * len(envelopes)

    async def _known(self, service: str, message_id: UUID) -> Known | None:
        try:
            return await self._inbox.find(service, message_id)
        except StoreError as error:
            # the worker looks into the same inbox before it decides: sending the command again does no harm
            logger.warning("the inbox of %s can't be read before publishing: %s", service, error)
            return None

    async def _claim(self, message_id: UUID, fingerprint: str) -> None:
        """While the first request is pending no inbox knows it; Redis, where it is there, tells another body then."""
        if not self._channels.healthy:
            return
        try:
            held = await self._claims.ask((message_id, fingerprint))
        except RedisError as error:
            logger.warning("an idempotency key was not claimed: %s", error)
            return
        if held is not None and held != fingerprint.encode():
            raise _reused()

    async def _claim_all(self, claims: Sequence[tuple[UUID, str]]) -> Sequence[bytes | Exception | None]:
        pipe = self._redis.pipeline(transaction=False)
        for message_id, fingerprint in claims:
            pipe.set(f"idem:{message_id}", fingerprint, nx=True, get=True, ex=CLAIM_SECONDS)
        held: Sequence[bytes | Exception | None] = await pipe.execute(raise_on_error=False)
        return held


def fingerprint_of(secret: bytes, method: str, path: str, body: bytes) -> str:
    """What tells one request from another under the same key: 32 hex digits."""
    text = b"\0".join((b"fingerprint", method.encode(), path.encode(), body))
    return hmac.digest(secret, text, "sha256")[:16].hex()


def pending(command: str, headers: Mapping[str, str]) -> Response[bytes]:
    """202: where to ask for the outcome of the command with this id."""
    return Written(
        content=_encode(Pending(id=command)),
        status_code=202,
        media_type="application/json",
        headers={**headers, "Location": f"{PATH}{command}"},
    )


def final(outcome: Outcome, headers: Mapping[str, str]) -> Response[bytes]:
    """The outcome as the answer to the request itself."""
    if outcome.state == "failed":
        return answer(FAILED, {**headers, "Location": f"{PATH}{headers['Command-Id']}"})
    if outcome.problem is not None:
        return answer(outcome.problem, headers)
    return Response(
        content=_result(outcome),
        status_code=outcome.status,
        media_type="application/json",
        headers=dict(headers),
    )


def report(message_id: UUID, outcome: Outcome | None) -> dict[str, Any]:
    """The body of `GET /api/v2/commands/{id}`."""
    if outcome is None:
        return {"id": str(message_id), "state": "pending"}
    if outcome.state == "failed":
        return {"id": str(message_id), "state": "failed", "status": FAILED.status, "problem": on_the_wire(FAILED)}
    if outcome.problem is not None:
        shown = on_the_wire(outcome.problem)
        return {"id": str(message_id), "state": "refused", "status": outcome.problem.status, "problem": shown}
    found: dict[str, Any] = {"id": str(message_id), "state": "done", "status": outcome.status}
    return {**found, "result": outcome.result} if _result(outcome) else found


def _result(outcome: Outcome) -> bytes:
    content = bytes(outcome.result)
    return b"" if content == bytes(NO_RESULT) else content


def _reused() -> Exception:
    return problem(
        "idempotency-key-reused",
        "The Idempotency-Key was used for another request",
        422,
        "Send the first request again, or choose a new key for this one.",
    )
