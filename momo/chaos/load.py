"""The load: many clients at once, each with members of its own, who act one command after the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import msgspec

from momo.chaos.acts import FEE, Acts
from momo.chaos.book import Book, Meeting
from momo.chaos.pace import Pace
from momo.store.connection import connected


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How heavy the load is: `rate` in acts a second at most."""

    rate: float = 90.0
    clients: int = 60
    members: int = 90
    meetings: int = 16


PAID_SHARE = 0.4
HOLDS = (20, 60, 600)
"""Seconds; the shortest end while the run goes on."""
CAPACITIES = (3, 5, 8, 12)
LIFE = (
    ("follow", 30),
    ("free", 26),
    ("paid", 24),
    ("offer", 6),
    ("again", 10),
    ("call off", 0.4),
    ("register", 0.6),
)
"""What members do, and how often beside each other."""
PAYS = 0.85
SENSIBLE = 0.85
"""How often a member does what makes sense, instead of joining twice or leaving what they are not in."""


class Load:
    """Members' lives, by `chance`."""

    def __init__(self, acts: Acts, book: Book, chance: random.Random, size: Size) -> None:
        self._acts = acts
        self._book = book
        self._chance = chance
        self._size = size
        self._pace = Pace(size.rate)
        self._stop = asyncio.Event()
        self._clients: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Registers the first members and opens the first meetings."""
        await asyncio.gather(*(self._acts.register() for _ in range(self._size.members)))
        await asyncio.gather(*(self._open() for _ in range(self._size.meetings)))

    def start(self) -> None:
        members = sorted(self._book.members)
        share = [members[number :: self._size.clients] for number in range(self._size.clients)]
        self._clients = [asyncio.create_task(self._live(mine)) for mine in share if mine]

    async def stop(self, patience: float) -> None:
        """No further act is begun; those under way have `patience` seconds to learn how they ended.

        Raises what a client died of."""
        self._stop.set()
        if not self._clients:
            return
        done, late = await asyncio.wait(self._clients, timeout=patience)
        for client in late:
            client.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for client in done:
            client.result()

    async def settle_up(self, database_url: str, patience: float) -> None:
        """Members leave the waitlists and give up what they hold: nobody waits for those to end by themselves."""
        async with asyncio.timeout(patience), connected(database_url) as database:
            for status in ("waiting", "held"):
                while found := await database.rows(
                    "SELECT p.meeting_id, p.member_id FROM meeting_participants p JOIN meetings m"
                    " ON m.meeting_id = p.meeting_id WHERE p.status = %s AND m.status <> 'cancelled'",
                    status,
                ):
                    theirs = [(self._book.meetings[meeting], member) for meeting, member in found]
                    await self._all_leave(theirs)

    async def _all_leave(self, places: Sequence[tuple[Meeting, int]]) -> None:
        slots = asyncio.Semaphore(self._size.clients)

        async def leave(meeting: Meeting, member: int) -> None:
            async with slots:
                await self._acts.leave(member, meeting)

        await asyncio.gather(*(leave(meeting, member) for meeting, member in places))

    async def _live(self, mine: Sequence[int]) -> None:
        kinds, weights = zip(*LIFE, strict=True)
        while not self._stop.is_set():
            await self._pace.turn()
            await self._act(self._chance.choices(kinds, weights)[0], self._chance.choice(mine))

    async def _act(self, kind: str, member: int) -> None:
        if kind == "register":
            await self._acts.register()
        elif kind == "again":
            await self._acts.look_again()
        elif kind == "follow":
            await self._follow(member)
        elif kind == "call off":
            await self._call_off(member)
        elif meeting := self._meeting(member, paid=kind != "free"):
            await self._move(member, meeting, offer=kind == "offer")

    async def _follow(self, member: int) -> None:
        other = self._chance.choice(self._book.members)
        if other == member:
            return
        following = self._book.follow(member, other).state == "in"
        await self._acts.follow(member, other, wanted=following != self._sensible())

    async def _move(self, member: int, meeting: Meeting, *, offer: bool) -> None:
        inside = self._book.place(meeting, member).state == "in"
        if offer and inside:
            await self._acts.take_offer(member, meeting)
        elif inside == self._sensible():
            await self._acts.leave(member, meeting)
        else:
            await self._acts.join(member, meeting, pays=self._chance.random() < PAYS)

    async def _call_off(self, member: int) -> None:
        """A meeting of this member's, if there is one: a host acts on it one command after the other, too."""
        hosted = [meeting for meeting in self._open_meetings if meeting.host_id == member]
        if hosted:
            await self._acts.call_off(self._chance.choice(hosted))
        if len(self._open_meetings) < self._size.meetings:
            await self._open(member)

    async def _open(self, host: int | None = None) -> None:
        paid = self._chance.random() < PAID_SHARE
        await self._acts.open(
            host or self._chance.choice(self._book.members),
            capacity=self._chance.choice(CAPACITIES),
            fee=FEE if paid else 0,
            hold_seconds=self._chance.choice(HOLDS) if paid else 600,
        )

    def _meeting(self, member: int, *, paid: bool) -> Meeting | None:
        """One of the kind that the member does not host."""
        there = [m for m in self._open_meetings if (m.fee > 0) == paid and m.host_id != member]
        return self._chance.choice(there) if there else None

    @property
    def _open_meetings(self) -> list[Meeting]:
        return [meeting for meeting in self._book.meetings.values() if not meeting.ended]

    def _sensible(self) -> bool:
        return self._chance.random() < SENSIBLE
