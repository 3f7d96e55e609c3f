"""Search: whatever an operator has in hand (a member, a meeting, an order, a command, a queue) leads to its story."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import QueryParameter

from contracts.moment import Moment
from contracts.topology import QUEUES
from momo.broker import identity
from momo.console.access import ADMIN
from momo.gateway.routes.given import Using
from momo.queries.database import Database
from momo.settings import DATABASES
from momo.store.errors import StoreError

SECONDS = 3.0
"""A database that does not answer within so long is left out."""
MOST_ID = 2**53 - 1
MOST_RELATED = 20
MOST_IN_FLUSH = 300
"""More messages than a flush takes: what was written at one moment is found among them."""
Databases = Mapping[str, Database]


class Found(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`place` is where in the console it is shown; a `story` is a message of it that an inbox knows."""

    kind: Literal["queue", "member", "meeting", "seat", "payment", "story"]
    title: str
    detail: str = ""
    at: Moment | None = None
    place: str


class Results(msgspec.Struct, frozen=True):
    """`away` names databases that did not answer: more may be there."""

    items: list[Found]
    away: list[str]


@get("/search", **ADMIN)
async def search(q: Annotated[str, QueryParameter(max_length=200)], resources: Using) -> Results:
    """What `q` names: an id of a member, meeting, order or command, an e-mail address, a nickname, a part of a queue's
    name. `member 7` and `meeting 7` say which of the two."""
    words = q.strip()
    away: list[str] = []
    databases = {service: Patient(resources.databases[service], service, away) for service in DATABASES}
    found = [item for items in await asyncio.gather(*_searches(words, databases)) for item in items]
    unique = {(item.kind, item.place, item.title): item for item in found}
    return Results(items=list(unique.values()), away=sorted(set(away)))


class Patient:
    """A database that answers in time, or with nothing and its name in `away`."""

    def __init__(self, database: Database, name: str, away: list[str]) -> None:
        self._database = database
        self._name = name
        self._away = away

    async def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._database.rows(sql, *args)
        except (StoreError, TimeoutError):
            self._away.append(self._name)
            return []


def _searches(words: str, databases: Databases) -> Iterable[Awaitable[list[Found]]]:
    kind, _, rest = words.replace(":", " ").partition(" ")
    number = rest.strip() if kind in ("member", "meeting") else words
    if not words:
        return
    if number.isascii() and number.isdigit() and 0 < int(number) <= MOST_ID:
        if kind != "meeting":
            yield _member(databases, "user_id", int(number))
        if kind != "member":
            yield _meeting(databases, int(number))
        return
    try:
        yield _commands(databases, UUID(words))
    except ValueError:
        yield _order(databases, words)
        yield _member(databases, "email" if "@" in words else "nickname", words.lower() if "@" in words else words)
        yield _queues(words)


async def _queues(words: str) -> list[Found]:
    names = [queue for queue in QUEUES if words.lower() in queue.name or words.lower() in queue.dead_letter_queue]
    return [
        Found(kind="queue", title=queue.name, detail=f"{queue.service}, {queue.kind}", place=f"#/queues/{queue.name}")
        for queue in names[:10]
    ]


async def _commands(databases: Databases, message_id: UUID) -> list[Found]:
    rows = await asyncio.gather(*(_inbox(db, "message_id = %s", message_id.bytes) for db in databases.values()))
    if found := [_story(row) for one in rows for row in one]:
        return found
    # nobody has handled it, or it names a whole story: that page tells
    return [Found(kind="story", title=str(message_id), detail="as the story's id", place=f"#/stories/{message_id}")]


async def _member(databases: Databases, column: str, value: int | str) -> list[Found]:
    found = []
    for user_id, nickname, role, created, left in await databases["user"].rows(
        f"SELECT user_id, nickname, role, created_at, withdrawn_at FROM users WHERE {column} = %s", value
    ):
        state = "has withdrawn" if left else f"role {role}"
        place = f"#/search/member%20{user_id}"
        found.append(
            Found(kind="member", title=f"{nickname}, member {user_id}", detail=state, at=utc(created), place=place)
        )
        found += await _seats(databases, "p.member_id = %s", user_id)
        found += await _payments(databases, "member_id = %s", user_id)
    return found


async def _meeting(databases: Databases, meeting_id: int) -> list[Found]:
    found = []
    for title, status, host, created, seated, capacity in await databases["meeting"].rows(
        "SELECT title, status, host_id, created_at, seated, capacity FROM meetings WHERE meeting_id = %s", meeting_id
    ):
        detail = f"{status}, {seated} of {capacity} seated, hosted by member {host}"
        place = f"#/search/meeting%20{meeting_id}"
        found.append(
            Found(kind="meeting", title=f"{title}, meeting {meeting_id}", detail=detail, at=utc(created), place=place)
        )
        # a record bears the time of the flush that wrote it, and so does the message's inbox entry
        where = "handled_at = %s AND queue = 'meeting.create.queue' AND sender = %s"
        found += [_story(row) for row in await _inbox(databases["meeting"], where, utc(created), f"member:{host}")]
        found += await _seats(databases, "p.meeting_id = %s", meeting_id)
    return found


async def _order(databases: Databases, order_id: str) -> list[Found]:
    seats = await _seats(databases, "p.meeting_id = %s AND p.order_id = %s", *_of_order(order_id))
    return [*await _payments(databases, "order_id = %s", order_id), *seats]


async def _seats(databases: Databases, where: str, *args: Any) -> list[Found]:
    found = []
    for meeting_id, member_id, nickname, status, joined, changed in await databases["meeting"].rows(
        "SELECT p.meeting_id, p.member_id, p.nickname, p.status, p.joined_at, p.changed_at FROM meeting_participants p"
        f" WHERE {where} ORDER BY p.changed_at DESC LIMIT {MOST_RELATED}",
        *args,
    ):
        title = f"{nickname}'s place in meeting {meeting_id}"
        place = f"#/search/member%20{member_id}"
        found.append(Found(kind="seat", title=title, detail=status, at=utc(changed), place=place))
        times = dict.fromkeys((utc(joined), utc(changed)))
        where_handled = f"handled_at IN ({', '.join(['%s'] * len(times))}) AND sender = %s"
        found += [
            _story(row) for row in await _inbox(databases["meeting"], where_handled, *times, f"member:{member_id}")
        ]
    return found


async def _payments(databases: Databases, where: str, *args: Any) -> list[Found]:
    found = []
    for order_id, status, amount, member_id, meeting_id, created, confirmed in await databases["payment"].rows(
        "SELECT order_id, status, amount, member_id, meeting_id, created_at, confirm_started_at FROM payments"
        f" WHERE {where} ORDER BY created_at DESC LIMIT {MOST_RELATED}",
        *args,
    ):
        detail = f"{status}, {amount:,} KRW, member {member_id}, meeting {meeting_id}"
        place = f"#/search/{order_id}"
        found.append(Found(kind="payment", title=f"order {order_id}", detail=detail, at=utc(created), place=place))
        found += await _opened(databases, utc(created), member_id)
        if confirmed is not None:
            where_confirmed = "handled_at = %s AND queue = 'payment.confirm.queue' AND sender = %s"
            rows = await _inbox(databases["payment"], where_confirmed, utc(confirmed), f"member:{member_id}")
            found += [_story(row) for row in rows]
    return found


async def _opened(databases: Databases, at: datetime, member_id: int) -> list[Found]:
    """The story in which a member's payment was opened: a flush opens many, of which the member's own join is it."""
    where = "handled_at = %s AND queue = 'payment.register.queue'"
    registered = await _inbox(databases["payment"], where, at)
    first = dict.fromkeys(_ids(row[1] for row in registered))
    if not first:
        return []
    where = f"message_id IN ({', '.join(['%s'] * len(first))}) AND sender = %s"
    joins = await _inbox(databases["meeting"], where, *first, f"member:{member_id}")
    return [_story(row) for row in joins or (registered if len(registered) == 1 else [])]


async def _inbox(database: Database, where: str, *args: Any) -> list[tuple[Any, ...]]:
    return await database.rows(
        f"SELECT message_id, correlation_id, queue, sender, handled_at FROM inbox WHERE {where} LIMIT {MOST_IN_FLUSH}",
        *args,
    )


def _story(row: tuple[Any, ...]) -> Found:
    message_id, correlation_id, queue, sender, handled = row
    name = identity.text_of_id(message_id)
    return Found(
        kind="story",
        title=f"{queue.removesuffix('.queue')} by {sender}",
        detail=name,
        at=utc(handled),
        place=f"#/stories/{correlation_id or name}",
    )


def _of_order(order_id: str) -> tuple[int, str]:
    """The meeting that an order names (m-MEETING-MEMBER-HOLD), so that its seat is found by the key; 0 where none."""
    numbers = [int(part) for part in order_id.split("-") if part.isascii() and part.isdigit()]
    return (numbers[0] if numbers else 0), order_id


def _ids(texts: Iterable[str]) -> Iterator[bytes]:
    """Those that are message ids; another producer's correlation id may be any text."""
    for text in texts:
        with suppress(ValueError):
            yield UUID(text).bytes


def utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


HANDLERS = [search]
