"""The rig's HTTP client: a command is sent, with one key and on any gateway, until its outcome is known."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from momo.chaos.outcome import Known, answered, asked
from momo.gateway.tokens import Member, Tokens

REQUEST = aiohttp.ClientTimeout(total=12, sock_connect=3)
WAIT = ("wait=5", "")
"""What a command prefers: to be answered with its outcome, or to be asked for it later."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
TOKEN_SECONDS = 300.0
TWICE = 0.05
"""The share of commands that are sent twice at once, as by a client that lost its patience."""


class Command(msgspec.Struct, kw_only=True, eq=False):
    """One write of a member's (0: nobody's), and what is known of it. `path` is under /api/v2."""

    what: str
    member_id: int
    method: str
    path: str
    content: bytes | None
    key: str
    prefer: str = ""
    id: str = ""
    """Empty until a gateway has accepted it."""
    accepted_at: float = 0.0
    """Unix time."""
    outcome: Known | None = None
    rejected: str = ""
    """Why no gateway would take it, where that can't be cured by sending it again."""

    def __str__(self) -> str:
        accepted = f"{self.id}, accepted at {clock(self.accepted_at)}" if self.id else "not accepted"
        return f"{self.method} {self.path} of member {self.member_id} (command {accepted})"


class Client:
    """Sends commands as any member. `contradicts` hears of a command that was told two things, and the second."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gateways: Sequence[str],
        tokens: Tokens,
        chance: random.Random,
        contradicts: Callable[[Command, str], None],
    ) -> None:
        self._session = session
        self._gateways = gateways
        self._tokens = tokens
        self._chance = chance
        self._contradicts = contradicts
        self._kept: dict[int, tuple[float, str]] = {}
        self.repeated = 0
        """Requests that were sent again because they were not answered, or not for good."""
        self.longest = 0.0
        """How long it took at most until the outcome of a command was known, in seconds."""

    def command(self, what: str, member_id: int, method: str, path: str, body: Any = None) -> Command:
        """A new command with a key of its own."""
        return Command(
            what=what,
            member_id=member_id,
            method=method,
            path=path,
            content=None if body is None else msgspec.json.encode(body),
            key=f"{self._chance.getrandbits(96):024x}",
            prefer=self._chance.choice(WAIT),
        )

    async def settle(self, command: Command) -> Known | None:
        """Sends `command` until its outcome is known; None where it was rejected."""
        began = time.monotonic()
        if self._chance.random() < TWICE:
            await asyncio.gather(self._try(command), self._try(command))
        pause = FIRST_PAUSE
        while command.outcome is None and not command.rejected:
            wanted = await self._try(command)
            if command.outcome is None and not command.rejected:
                self.repeated += not command.id
                await asyncio.sleep(max(wanted, pause * (0.5 + self._chance.random())))
                pause = min(pause * 2, LONGEST_PAUSE)
        self.longest = max(self.longest, time.monotonic() - began)
        return command.outcome

    async def look_again(self, command: Command) -> None:
        """Asks once more for what is known already, or sends the same request again: it must be told the same."""
        try:
            await (self._request(command) if self._chance.random() < 0.5 else self._ask(command))
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.repeated += 1

    async def read(self, member_id: int, path: str) -> Any:
        """What a member reads at `path`, or None where nothing is or nobody answers."""
        try:
            async with self._session.get(self._url(path), headers=self._credentials(member_id)) as response:
                return await response.json() if response.status == HTTPStatus.OK else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def _try(self, command: Command) -> float:
        """One request; for how many seconds the gateway wants to be left alone."""
        try:
            return await (self._ask(command) if command.id else self._request(command))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0.0

    async def _request(self, command: Command) -> float:
        headers = {"Idempotency-Key": command.key, **self._credentials(command.member_id)}
        if command.prefer:
            headers["Prefer"] = command.prefer
        if command.content is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(
            command.method, self._url(command.path), data=command.content, headers=headers
        ) as response:
            body = await response.read()
        name = response.headers.get("Command-Id", "")
        if name:
            if command.id and command.id != name:
                self._contradicts(command, f"the same key was given another id, {name}")
            command.id = name
            command.accepted_at = command.accepted_at or time.time()
        if response.status == HTTPStatus.ACCEPTED:
            return 0.0
        if name:
            self._learn(command, answered(response.status, body))
            return 0.0
        return self._turned_away(command, response, body)

    async def _ask(self, command: Command) -> float:
        headers = self._credentials(command.member_id)
        async with self._session.get(self._url(f"/commands/{command.id}"), headers=headers) as response:
            body = await response.read()
        if response.status != HTTPStatus.OK:
            return self._turned_away(command, response, body)
        known = asked(body)
        if known is not None:
            self._learn(command, known)
        elif command.outcome is not None:
            self._contradicts(command, "it was pending after it had ended")
        return 0.0

    def _learn(self, command: Command, known: Known) -> None:
        if command.outcome is None:
            command.outcome = known
        elif command.outcome != known:
            self._contradicts(command, f"it was told {command.outcome}, and then {known}")

    def _turned_away(self, command: Command, response: aiohttp.ClientResponse, body: bytes) -> float:
        if response.status >= 500 or response.status == HTTPStatus.TOO_MANY_REQUESTS:
            wanted = response.headers.get("Retry-After", "0")
            return min(2.0, float(wanted)) if wanted.isascii() and wanted.isdigit() else 0.0
        what = f"{response.request_info.method} was answered {response.status} {body[:300].decode(errors='replace')}"
        if command.outcome is None:
            command.rejected = what
        else:
            self._contradicts(command, f"it had ended with {command.outcome}, and then {what}")
        return 0.0

    def _url(self, path: str) -> str:
        return f"{self._chance.choice(self._gateways)}/api/v2{path}"

    def _credentials(self, member_id: int) -> dict[str, str]:
        if not member_id:
            return {}
        ends, token = self._kept.get(member_id, (0.0, ""))
        if time.monotonic() > ends:
            token = self._tokens.sign(Member(member_id=member_id, nickname=nickname(member_id), role="member"))
            self._kept[member_id] = time.monotonic() + TOKEN_SECONDS, token
        return {"Authorization": f"Bearer {token}"}


def clock(moment: float) -> str:
    """A Unix time as it stands in the report: hours, minutes and seconds, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(moment))


def nickname(member_id: int) -> str:
    """What a member's token calls them; nothing compares it with their account."""
    return f"m{member_id}"
