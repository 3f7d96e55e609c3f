"""The Toss sandbox as the demo uses it: the buyer's checkout, the switches, and the ledger that judges."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec

from momo.demo.client import UnexpectedError
from momo.toss.model import Payment


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox's books of one meeting's orders, in KRW."""

    taken: int
    returned: int
    payments: list[Payment]


class Sandbox:
    """Every method raises UnexpectedError where the sandbox refuses or does not answer."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def checkout(self, order_id: str, amount: int) -> str:
        """The buyer authenticates; the payment key that the redirect would carry."""
        content = await self._ask("POST", "/sandbox/checkout", {"orderId": order_id, "amount": amount})
        return str(msgspec.json.decode(content)["paymentKey"])

    async def trouble(self, order_id: str, **fault: Any) -> None:
        """Sets what goes wrong with one order (`delayMs`, `failCode`, …); nothing of it: all is well again."""
        await self._ask("PUT", f"/sandbox/faults/orders/{order_id}", fault)

    async def statement(self, meeting_id: int) -> Statement:
        content = await self._ask("GET", f"/sandbox/ledger?prefix=momo-{meeting_id}-")
        return msgspec.json.decode(content, type=Statement)

    async def webhooks_pending(self) -> int:
        return int(msgspec.json.decode(await self._ask("GET", "/sandbox/health"))["webhooksPending"])

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        try:
            async with self._session.request(method, path, json=body) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnexpectedError(f"the Toss sandbox does not answer {method} {path}: {error}") from error
        if not response.ok:
            raise UnexpectedError(f"the Toss sandbox refused {method} {path}: {response.status} {content[:200]!r}")
        return content
