"""The evidence: what MOMO's databases, its broker and the provider's own ledger say once nothing moves any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import aiohttp
import msgspec

from momo.chaos.broker import Dead, busy_queues, dead_letters
from momo.chaos.outcome import Known, kept
from momo.demo.sandbox import Statement
from momo.queries import audit
from momo.settings import DATABASES, Settings
from momo.store.connection import Connection, connected
from momo.store.literal import tuples

CHUNK = 2_000


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A row; `seated`, `held` and `waiting` are its counters."""

    meeting_id: int
    host_id: int
    title: str
    capacity: int
    fee: int
    status: str
    seated: int
    held: int
    waiting: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A participant's row."""

    meeting_id: int
    member_id: int
    host: bool
    status: str
    order_id: str
    joined_at: datetime


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A payment by MOMO's books, in KRW; `before_payment`: its seat was given up while Toss was taking the money."""

    order_id: str
    meeting_id: int
    member_id: int
    status: str
    amount: int
    refunded: int
    returned: int
    approved: bool
    before_payment: bool


class Evidence(msgspec.Struct, kw_only=True):
    """All that the book is compared with. `toss` has taken and returned KRW by order, `notices` how often each (member,
    type, subject) is stored, `boxes` each mailbox's last sequence."""

    outcomes: dict[str, Known] = {}
    users: set[int] = msgspec.field(default_factory=set)
    wrong_counters: tuple[int, ...] = ()
    follows: set[tuple[int, int]] = msgspec.field(default_factory=set)
    meetings: dict[int, Meeting] = {}
    places: list[Place] = []
    orders: dict[str, Order] = {}
    toss: dict[str, tuple[int, int]] = {}
    notices: Counter[tuple[int, str, str]] = msgspec.field(default_factory=Counter)
    boxes: dict[int, int] = {}
    waiting: list[str] = []
    """What is still under way, a line each."""
    dead: list[Dead] = []


_MEETINGS = "SELECT meeting_id, host_id, title, capacity, fee, status, seated, held, waiting FROM meetings"
_PLACES = "SELECT meeting_id, member_id, host, status, order_id, joined_at FROM meeting_participants"
_ORDERS = """
SELECT order_id, meeting_id, member_id, status, amount, refunded_amount, returned_amount, approved_at IS NOT NULL,
       refunds LIKE '%seat given up before the payment%'
FROM payments
"""
_NOTICES = "SELECT member_id, type, subject, COUNT(*) FROM notifications GROUP BY member_id, type, subject"


async def gather(settings: Settings, client: aiohttp.ClientSession, command_ids: Iterable[str]) -> Evidence:
    """Reads all of it. `command_ids` are those whose outcome is looked up in the inboxes."""
    found = Evidence(waiting=await under_way(settings), dead=await dead_letters(settings.amqp_url))
    ids = list(command_ids)
    for service in DATABASES:
        async with connected(settings.db_url(service)) as database:
            found.outcomes |= await _outcomes(database, ids)
            await _READS[service](database, found)
    async with client.get(f"{settings.toss_url}/sandbox/ledger") as response:
        found.toss = _moved(msgspec.json.decode(await response.read(), type=Statement))
    return found


async def under_way(settings: Settings) -> list[str]:
    """What is not settled yet: messages in queues or with consumers, outbox entries, timers. Raises StoreError or
    aiohttp.ClientError where that can't be told."""
    lines = await busy_queues(settings.amqp_url, settings.amqp_management_url)
    for service in DATABASES:
        async with connected(settings.db_url(service)) as database:
            for table, key in (("outbox", "HEX(outbox_id)"), ("scheduled", "timer_key")):
                rows = await database.rows(f"SELECT {key} FROM {table} LIMIT 1000")
                if rows:
                    lines.append(f"{table} of {service} has {len(rows)} rows, such as {rows[0][0]}")
    return lines


async def _outcomes(database: Connection, ids: list[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    left = iter(ids)
    while chunk := list(islice(left, CHUNK)):
        wanted = tuples([(bytes.fromhex(one.replace("-", "")),) for one in chunk])
        rows = await database.rows(f"SELECT HEX(message_id), outcome FROM inbox WHERE message_id IN ({wanted})")
        texts = {one.replace("-", "").upper(): one for one in chunk}
        found |= {texts[message_id]: kept(outcome) for message_id, outcome in rows}
    return found


async def _user(database: Connection, found: Evidence) -> None:
    found.users = {user_id for (user_id,) in await database.rows("SELECT user_id FROM users")}
    found.follows = {(a, b) for a, b in await database.rows("SELECT follower_id, followee_id FROM user_follow")}
    found.wrong_counters = (await audit.users(database)).wrong_counters


async def _meeting(database: Connection, found: Evidence) -> None:
    names = Meeting.__struct_fields__
    meetings = [Meeting(**dict(zip(names, row, strict=True))) for row in await database.rows(_MEETINGS)]
    found.meetings = {meeting.meeting_id: meeting for meeting in meetings}
    names = Place.__struct_fields__
    found.places = [Place(**dict(zip(names, row, strict=True))) for row in await database.rows(_PLACES)]


async def _payment(database: Connection, found: Evidence) -> None:
    names = Order.__struct_fields__
    orders = [Order(**dict(zip(names, row, strict=True))) for row in await database.rows(_ORDERS)]
    found.orders = {order.order_id: order for order in orders}


async def _notification(database: Connection, found: Evidence) -> None:
    found.notices = Counter({(member, kind, subject): n for member, kind, subject, n in await database.rows(_NOTICES)})
    found.boxes = dict(await database.rows("SELECT member_id, last_sequence FROM mailboxes"))


_READS = {"user": _user, "meeting": _meeting, "payment": _payment, "notification": _notification}


def _moved(statement: Statement) -> dict[str, tuple[int, int]]:
    moved: dict[str, tuple[int, int]] = {}
    for payment in statement.payments:
        taken, returned = moved.get(payment.order_id, (0, 0))
        came = payment.total_amount if payment.status in ("DONE", "PARTIAL_CANCELED", "CANCELED") else 0
        moved[payment.order_id] = (taken + came, returned + payment.returned_amount)
    return moved
