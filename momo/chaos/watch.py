"""The watch: more members with a seat or a hold than there are seats, seen while the run goes on."""

from __future__ import annotations

import asyncio

from momo.chaos.book import Book
from momo.store.connection import connected
from momo.store.errors import StoreError

LOOK_SECONDS = 0.5

_OVERSOLD = """
SELECT m.meeting_id, COUNT(*) FROM meetings m
JOIN meeting_participants p ON p.meeting_id = m.meeting_id AND p.status IN ('seated', 'held')
WHERE m.status <> 'cancelled'
GROUP BY m.meeting_id, m.capacity HAVING COUNT(*) > m.capacity
"""


async def watch_seats(database_url: str, book: Book) -> None:
    """Looks twice a second, until cancelled, for meetings with more members seated or held than seats."""
    while True:
        try:
            async with connected(database_url) as database:
                while True:
                    for meeting_id, _ in await database.rows(_OVERSOLD):
                        book.oversold.add(meeting_id)
                    await asyncio.sleep(LOOK_SECONDS)
        except StoreError:
            await asyncio.sleep(LOOK_SECONDS)  # the database is one of the things that break
