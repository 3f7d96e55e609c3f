"""Members who do what the mix of `momo size` says, over HTTP: they follow, join, pay and leave."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from typing import Any

import aiohttp

from contracts.notification import SendNotification
from momo.bench.joins import FIRST_MEMBER
from momo.bench.ways import MEMBERS, pair
from momo.gateway.tokens import Member, Tokens
from momo.live import decode_notice
from momo.settings import Settings
from momo.sizing.mix import MIX

MEETINGS = 20
WAIT = 30
PATIENCE = 60.0
PAUSE = 0.5
"""Seconds between a seat that is held and the click that pays for it."""


class Shop:
    """`free` and `paid` are the first ids of `MEETINGS` meetings each. `commands` counts what was accepted."""

    def __init__(self, settings: Settings, client: aiohttp.ClientSession, free: int, paid: int) -> None:
        self.commands = 0
        self._settings = settings
        self._client = client
        self._tokens = Tokens(settings.token_secret)
        self._free = free
        self._paid = paid
        self._pairs = map(pair, itertools.count())
        self._guests = itertools.count(FIRST_MEMBER + MEMBERS)
        self._keys = itertools.count()
        self._seated: dict[int, asyncio.Event] = {}

    def notice(self, payload: bytes) -> None:
        """Hears what members are told."""
        notice: SendNotification = decode_notice(payload)
        if notice.type == "meeting.joined" and notice.member_id in self._seated:
            self._seated[notice.member_id].set()

    def visits(self) -> Iterator[str]:
        """Without end, in the proportions of the mix and in an order that is always the same: by what they begin with,
        or end with."""
        weights = {
            "follow": MIX["follow"].share,
            "free": MIX["join a free meeting"].share - MIX["leave a free meeting"].share,
            "free and leave": MIX["leave a free meeting"].share,
            "paid": MIX["join a paid meeting"].share - MIX["leave a paid meeting"].share,
            "paid and leave": MIX["leave a paid meeting"].share,
        }
        deck = [name for name, weight in weights.items() for _ in range(round(weight * 100))]
        shuffled = random.Random(6)  # noqa: S311 - the order is no secret
        while True:
            shuffled.shuffle(deck)
            yield from deck

    async def visit(self, kind: str) -> None:
        """Raises RuntimeError where a command is not accepted."""
        if kind == "follow":
            follower, followee = next(self._pairs)
            await self._ask(follower, "POST", f"/api/v2/users/{followee}/follow")
            return
        guest = next(self._guests)
        first = self._free if kind.startswith("free") else self._paid
        place = f"/api/v2/meetings/{first + guest % MEETINGS}/join"
        self._seated[guest] = asyncio.Event()
        seat = await self._ask(guest, "POST", place)
        if first == self._paid:
            await self._pay(guest, seat)
        if kind.endswith("leave"):
            async with asyncio.timeout(PATIENCE):
                await self._seated[guest].wait()
            await self._ask(guest, "DELETE", place)

    async def _pay(self, guest: int, seat: Any) -> None:
        order = {"orderId": seat["orderId"], "amount": seat["amount"]}
        async with self._client.post(f"{self._settings.toss_url}/sandbox/checkout", json=order) as response:
            key = (await response.json())["paymentKey"]
        await asyncio.sleep(PAUSE)
        await self._ask(guest, "POST", "/api/v2/payments/confirm", {**order, "paymentKey": key})

    async def _ask(self, member: int, method: str, path: str, body: Any = None) -> Any:
        token = self._tokens.sign(Member(member_id=member, nickname=f"m{member}", role="member"))
        headers = {
            "Authorization": f"Bearer {token}",
            "Prefer": f"wait={WAIT}",
            "Idempotency-Key": f"shop-{next(self._keys)}",
        }
        url = f"http://{self._settings.host}:{self._settings.port}{path}"
        async with self._client.request(method, url, json=body, headers=headers) as answer:
            found = await answer.json() if answer.content_type.endswith("json") else None
            if answer.status not in (200, 204):
                raise RuntimeError(f"{method} {path} was answered {answer.status}: {found}")
        self.commands += 1
        return found


async def shopping(shop: Shop, rate: float, commands: int) -> None:
    """Visits by schedule that make about `commands`, `rate` a second, to the end of each. Raises RuntimeError."""
    each = 1 / sum(act.share for name, act in MIX.items() if not name.startswith(("pay", "leave")))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, kind in zip(range(int(commands / each)), shop.visits(), strict=False):
            await asyncio.sleep(max(0.0, began + number * each / rate - time.perf_counter()))
            group.create_task(shop.visit(kind))
