"""The facts that an audit compares: counters against the rows they count, money, notices, and what is under way."""

from __future__ import annotations

import msgspec

from momo.queries.database import Database


class Fact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an audit is told; keys are camelCase on the wire."""


class Users(Fact, frozen=True, kw_only=True):
    """`wrong_counters`: members whose follower or following counter differs from the rows."""

    users: int
    follows: int
    wrong_counters: tuple[int, ...]


class Meeting(Fact, frozen=True, kw_only=True):
    """Counters as the meeting keeps them, and the participants' rows counted by status."""

    meeting_id: int
    status: str
    capacity: int
    fee: int
    seated: int
    held: int
    waiting: int
    seated_rows: int
    held_rows: int
    waiting_rows: int


class Payments(Fact, frozen=True, kw_only=True):
    """KRW: `taken` is what was approved, `refunded` asked back of Toss, `returned` came back; payments by status."""

    taken: int
    refunded: int
    returned: int
    by_status: dict[str, int]


class Order(Fact, frozen=True, kw_only=True):
    """One payment as MOMO's books have it; to be compared with the provider's ledger."""

    order_id: str
    meeting_id: int
    member_id: int
    status: str
    amount: int
    refunded: int
    returned: int


class Mailbox(Fact, frozen=True, kw_only=True):
    """A member's notices: the last sequence, the rows, and the rows by type."""

    member_id: int
    last_sequence: int
    unread: int
    rows: int
    by_type: dict[str, int]


class Engine(Fact, frozen=True, kw_only=True):
    """What is under way in one service's database: outbox rows, timers that are due and all, failed commands."""

    outbox: int
    timers_due: int
    timers: int
    handled: int
    failed: int


_WRONG_COUNTERS = """
SELECT u.user_id FROM users u
LEFT JOIN (SELECT followee_id id, COUNT(*) n FROM user_follow GROUP BY followee_id) r ON r.id = u.user_id
LEFT JOIN (SELECT follower_id id, COUNT(*) n FROM user_follow GROUP BY follower_id) g ON g.id = u.user_id
WHERE u.follower_count <> COALESCE(r.n, 0) OR u.following_count <> COALESCE(g.n, 0)
ORDER BY u.user_id LIMIT 100
"""

_MEETINGS = """
SELECT m.meeting_id, m.status, m.capacity, m.fee, m.seated, m.held, m.waiting,
       CAST(COALESCE(SUM(p.status = 'seated'), 0) AS SIGNED),
       CAST(COALESCE(SUM(p.status = 'held'), 0) AS SIGNED),
       CAST(COALESCE(SUM(p.status = 'waiting'), 0) AS SIGNED)
FROM meetings m LEFT JOIN meeting_participants p ON p.meeting_id = m.meeting_id
GROUP BY m.meeting_id, m.status, m.capacity, m.fee, m.seated, m.held, m.waiting
ORDER BY m.meeting_id
"""

_PAYMENTS = """
SELECT status, COUNT(*),
       CAST(SUM(IF(approved_at IS NULL, 0, amount)) AS SIGNED),
       CAST(SUM(refunded_amount) AS SIGNED), CAST(SUM(returned_amount) AS SIGNED)
FROM payments GROUP BY status
"""

_ORDERS = """
SELECT order_id, meeting_id, member_id, status, amount, refunded_amount, returned_amount
FROM payments ORDER BY order_id
"""

_ENGINE = """
SELECT (SELECT COUNT(*) FROM outbox),
       (SELECT COUNT(*) FROM scheduled WHERE due_at <= UTC_TIMESTAMP(6)),
       (SELECT COUNT(*) FROM scheduled),
       (SELECT COUNT(*) FROM inbox),
       (SELECT COUNT(*) FROM inbox WHERE outcome LIKE '{"state":"failed"%')
"""


async def users(db: Database) -> Users:
    [(members, follows)] = await db.rows("SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM user_follow)")
    wrong = await db.rows(_WRONG_COUNTERS)
    return Users(users=members, follows=follows, wrong_counters=tuple(user_id for (user_id,) in wrong))


async def meetings(db: Database) -> list[Meeting]:
    """Every meeting, also those that are called off."""
    fields = Meeting.__struct_fields__
    return [Meeting(**dict(zip(fields, row, strict=True))) for row in await db.rows(_MEETINGS)]


async def payments(db: Database) -> Payments:
    rows = await db.rows(_PAYMENTS)
    return Payments(
        taken=sum(row[2] for row in rows),
        refunded=sum(row[3] for row in rows),
        returned=sum(row[4] for row in rows),
        by_status={row[0]: row[1] for row in rows},
    )


async def orders(db: Database) -> list[Order]:
    fields = Order.__struct_fields__
    return [Order(**dict(zip(fields, row, strict=True))) for row in await db.rows(_ORDERS)]


async def notices(db: Database) -> list[Mailbox]:
    """Every member's mailbox; the rows are counted, not believed."""
    counted: dict[int, dict[str, int]] = {}
    for member_id, kind, rows in await db.rows(
        "SELECT member_id, type, COUNT(*) FROM notifications GROUP BY member_id, type"
    ):
        counted.setdefault(member_id, {})[kind] = rows
    return [
        Mailbox(
            member_id=member_id,
            last_sequence=last,
            unread=unread,
            rows=sum(counted.get(member_id, {}).values()),
            by_type=counted.get(member_id, {}),
        )
        for member_id, last, unread in await db.rows(
            "SELECT member_id, last_sequence, unread FROM mailboxes ORDER BY member_id"
        )
    ]


async def engine(db: Database) -> Engine:
    [row] = await db.rows(_ENGINE)
    return Engine(**dict(zip(Engine.__struct_fields__, row, strict=True)))
