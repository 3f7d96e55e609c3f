"""The vocabulary of effects: async calls to the world, outside any transaction, at least once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from contracts.base import Message
from contracts.notification import BroadcastNotification, SendNotification
from momo.toss.client import TossClient


class Push(Protocol):
    """Hands a stored notice to every gateway process that may hold a socket of the member, or of many."""

    async def send(self, notice: SendNotification) -> None: ...

    async def broadcast(self, notice: BroadcastNotification) -> None: ...


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What an effect may talk to. Each member has its own time-out, concurrency limit and circuit breaker."""

    toss: TossClient
    push: Push


class Effect(Protocol):
    """Calls the world and returns the commands that carry what it learned. It may run more than once for one message:
    what it asks of the world must be idempotent (a key derived from the message). It writes no state."""

    async def __call__(self, command: Any, world: World) -> Iterable[Message]: ...
