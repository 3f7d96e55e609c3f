"""What the audit asks: MOMO's own facts over its internal route, the sandbox's ledger, and what each member has."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec

from momo.demo.client import UnexpectedError, shaped
from momo.demo.member import Member
from momo.demo.model import Model
from momo.demo.sandbox import Sandbox, Statement
from momo.demo.stream import Notice
from momo.gateway.internal import HEADER, sign
from momo.lag.depths import Depth
from momo.queries.audit import Engine, Mailbox, Meeting, Order, Users

PATH = "/internal/audit"
PAGE = 100
LOOK_SECONDS = 0.25


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /internal/audit`, as far as it is compared."""

    users: Users
    meetings: list[Meeting]
    orders: list[Order]
    notices: list[Mailbox]
    engine: dict[str, Engine]
    queues: dict[str, Depth]

    @property
    def busy(self) -> bool:
        """Whether anything is still under way, as far as can be seen from outside."""
        return any(depth.ready for depth in self.queues.values()) or any(
            engine.outbox or engine.timers_due for engine in self.engine.values()
        )

    @property
    def handled(self) -> int:
        return sum(engine.handled for engine in self.engine.values())

    @property
    def failed(self) -> int:
        return sum(engine.failed for engine in self.engine.values())


class Page(msgspec.Struct, frozen=True):
    items: list[Notice]


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A member's notices: as the WebSocket brought them, and as they are listed."""

    heard: list[Notice]
    listed: list[Notice]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that the day's model is compared with; ledgers by meeting, boxes by member."""

    facts: Facts
    failed_before: int
    ledgers: dict[int, Statement]
    boxes: dict[int, Box]


async def facts(internal: aiohttp.ClientSession, secret: bytes) -> Facts:
    """Raises UnexpectedError where the gateway does not tell."""
    try:
        async with internal.get(PATH, headers={HEADER: sign(secret, "GET", PATH)}) as response:
            content = await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnexpectedError(f"GET {PATH} was not answered: {error}") from error
    if not response.ok:
        raise UnexpectedError(f"GET {PATH} was answered {response.status}: {content[:200].decode(errors='replace')}")
    return shaped(msgspec.json.decode(content), Facts)


async def drained(
    internal: aiohttp.ClientSession, secret: bytes, sandbox: Sandbox, members: list[Member], model: Model
) -> Facts:
    """The facts once nothing moves any more: all due notices heard, nothing under way twice in a row, and nothing
    handled between. After a minute or two the facts as they are then."""
    seconds = 30 + len(members) / 20
    end = time.monotonic() + seconds
    await asyncio.gather(*(member.stream.holds(model.due[member.member_id].total(), seconds) for member in members))
    before, now = None, await facts(internal, secret)
    # a message that a consumer holds is seen in no queue: only that nothing more was handled tells that it is over
    while time.monotonic() < end and (
        now.busy or before is None or before.handled != now.handled or await sandbox.webhooks_pending()
    ):
        await asyncio.sleep(LOOK_SECONDS)
        before, now = now, await facts(internal, secret)
    return now


async def boxes(members: list[Member]) -> dict[int, Box]:
    """What each member's WebSocket has brought, beside what is listed now."""
    listed = await asyncio.gather(*(_listed(member) for member in members))
    return {
        member.member_id: Box(heard=list(member.stream.notices), listed=found)
        for member, found in zip(members, listed, strict=True)
    }


async def _listed(member: Member) -> list[Notice]:
    found: list[Notice] = []
    while True:
        after = found[-1].sequence if found else 0
        page = shaped(await member.read("/api/v2/notifications", after=str(after), limit=str(PAGE)), Page)
        found += page.items
        if len(page.items) < PAGE:
            return found
