"""The demo's HTTP client: commands that wait for their outcome, some of them sent twice, never too many at once."""

from __future__ import annotations

import asyncio
import random
import time
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import msgspec

T = TypeVar("T")
IN_FLIGHT = 32
"""Requests under way at any time."""
WAIT_SECONDS = 10
"""What `Prefer: wait` asks for."""
PATIENCE_SECONDS = 60.0
"""How long a command may take in all, refused connections and busy answers included."""
TWICE_AT_ONCE = 0.1
TWICE_IN_TURN = 0.1
"""Shares of the commands that are sent a second time with the same key: beside the first, or after its answer."""
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class UnexpectedError(Exception):
    """MOMO did otherwise than the day foresees; the text is a plain sentence."""


class Answer(msgspec.Struct, frozen=True):
    """A status, and the body as JSON (None where there is none)."""

    status: int
    body: Any = None
    location: str = ""
    retry_after: float = 0.5


class Command(msgspec.Struct, frozen=True):
    """A write as it is sent, however often."""

    what: str
    method: str
    path: str
    content: bytes | None
    headers: dict[str, str]


class Client:
    """Counts what it sends. `seconds` has, by kind of command, how long each accepted one took to its final answer."""

    def __init__(self, session: aiohttp.ClientSession, chance: random.Random) -> None:
        self.session = session
        self.seconds: dict[str, list[float]] = {}
        self.repeated = 0
        self.differences: list[str] = []
        self._chance = chance
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    @property
    def commands(self) -> int:
        """How many commands were accepted; one that was sent twice counts once."""
        return sum(len(taken) for taken in self.seconds.values())

    async def command(self, what: str, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """The result of an accepted command. Raises UnexpectedError for any other end."""
        headers = {"Idempotency-Key": f'"{uuid4()}"', "Prefer": f"wait={WAIT_SECONDS}", **bearer(token)}
        content = None
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        sent = Command(what, method, path, content, headers)
        fate = self._chance.random()
        if fate < TWICE_AT_ONCE:
            (answer, seconds), (again, _) = await asyncio.gather(self._final(sent), self._final(sent))
            self._same(sent, answer, again)
        else:
            answer, seconds = await self._final(sent)
            if fate < TWICE_AT_ONCE + TWICE_IN_TURN:
                self._same(sent, answer, (await self._final(sent))[0])
        if not 200 <= answer.status < 300:
            raise UnexpectedError(f"{what} ({method} {path}) was answered {answer.status}: {_problem(answer.body)}")
        self.seconds.setdefault(what, []).append(seconds)
        return answer.body

    async def get(self, path: str, *, token: str = "", **params: str) -> Answer:
        """Reads. Raises UnexpectedError where nothing answers."""
        headers = bearer(token)
        async with self._slots:
            return await self._until_answered(Command("reading", "GET", path, None, headers), params)

    async def post(self, path: str, body: Any) -> Answer:
        """A request that is no command, such as logging in."""
        content, headers = msgspec.json.encode(body), {"Content-Type": "application/json"}
        async with self._slots:
            return await self._until_answered(Command("posting", "POST", path, content, headers))

    async def _final(self, sent: Command) -> tuple[Answer, float]:
        async with self._slots:
            began = time.monotonic()
            answer = await self._until_answered(sent)
        if answer.status == HTTPStatus.ACCEPTED:
            answer = await self._outcome(sent, answer.location)
        return answer, time.monotonic() - began

    async def _until_answered(self, sent: Command, params: dict[str, str] | None = None) -> Answer:
        """Sends until somebody answers who is not too busy: with its key a command is safe to send again."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self._exchange(sent, params)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                answer = Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{type(error).__name__} {error}")
            if answer.status not in _BUSY:
                return answer
            if time.monotonic() + answer.retry_after > end:
                raise UnexpectedError(f"{sent.what} ({sent.method} {sent.path}) got nowhere: {_problem(answer.body)}")
            await asyncio.sleep(answer.retry_after)

    async def _exchange(self, sent: Command, params: dict[str, str] | None) -> Answer:
        async with self.session.request(
            sent.method, sent.path, data=sent.content, headers=sent.headers, params=params, allow_redirects=False
        ) as response:
            content = await response.read()
            retry_after = response.headers.get("Retry-After", "")
            return Answer(
                response.status,
                msgspec.json.decode(content) if content and "json" in response.content_type else None,
                response.headers.get("Location", ""),
                float(retry_after) if retry_after.isdigit() else 0.5,
            )

    async def _outcome(self, sent: Command, location: str) -> Answer:
        end, pause = time.monotonic() + PATIENCE_SECONDS, 0.05
        token = sent.headers.get("Authorization", "").removeprefix("Bearer ")
        while time.monotonic() < end:
            answer = await self.get(location, token=token)
            if answer.status != HTTPStatus.OK:
                return answer
            if answer.body["state"] != "pending":
                found = answer.body
                return Answer(found["status"], found.get("result") or found.get("problem"))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)
        raise UnexpectedError(f"{sent.what} ({location}) is still pending after {PATIENCE_SECONDS:.0f} s")

    def _same(self, sent: Command, first: Answer, second: Answer) -> None:
        self.repeated += 1
        if (first.status, first.body) != (second.status, second.body):
            self.differences.append(
                f"{sent.what} sent twice with one Idempotency-Key was answered {first.status} {first.body}"
                f" and then {second.status} {second.body}"
            )


def shaped(body: Any, shape: type[T]) -> T:
    """`body` as `shape`. Raises UnexpectedError where it is something else."""
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise UnexpectedError(f"an answer is no {shape.__name__}: {error}; it is {str(body)[:200]}") from error


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _problem(body: Any) -> str:
    if isinstance(body, dict):
        return " ".join(str(body[name]) for name in ("title", "detail", "errors") if body.get(name)) or str(body)
    return str(body or "no body")
