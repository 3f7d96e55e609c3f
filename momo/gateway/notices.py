"""Notices as sockets send them: the same shape whether they were stored a year ago or pushed just now."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.notification import BroadcastNotification, SendNotification
from momo.live import decode_broadcast, decode_notice
from momo.queries import notification as queries
from momo.queries.database import Database
from momo.queries.notification import Notice

PAGE = 100


class Notices:
    """Reads a member's stored notices. Raises StoreUnavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, member_id: int, sequence: int) -> list[Notice]:
        """The next notices above `sequence`, in order; none when that is the last."""
        return await queries.missed(self._database, member_id, after=sequence, limit=PAGE)

    async def last(self, member_id: int) -> int:
        """The sequence stored last, 0 for a member without notices."""
        found = await queries.latest(self._database, member_id, limit=1)
        return found[0].sequence if found else 0


def pushed(payload: bytes) -> Notice:
    """A notice from its push channel. Raises msgspec.MsgspecError for what is none."""
    notice = decode_notice(payload)
    return _notice(notice, notice.sequence)


def broadcast(payload: bytes) -> Iterator[tuple[int, Notice]]:
    """The notices of one push for many, each with its member. Raises msgspec.MsgspecError for what is none."""
    notice = decode_broadcast(payload)
    return ((to.member_id, _notice(notice, to.sequence)) for to in notice.addressees)


def _notice(notice: SendNotification | BroadcastNotification, sequence: int) -> Notice:
    return Notice(
        sequence=sequence,
        type=notice.type,
        content=notice.content,
        meeting_id=notice.meeting_id,
        created_at=notice.created_at,
        read_at=None,
    )
