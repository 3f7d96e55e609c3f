"""The day itself: phase after phase, each with all its members at once."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from momo.demo import scenes
from momo.demo.cast import Cast, Plan
from momo.demo.client import UnexpectedError
from momo.demo.member import Member
from momo.demo.model import Meeting
from momo.demo.scenes import together

FOLLOWS = 2
"""How many members each one follows."""
PAID_HOURS = (72, 12, 4)
"""When paid meetings start, in turn: who leaves gets all, half or nothing back."""
FEE = 15_001
"""KRW, odd on purpose: half of it is no whole number."""
CALLED_OFF_GUESTS = 24
GUESTS_A_HOST = 50


class Circle(msgspec.Struct, frozen=True):
    """A host, the members who come to their meetings, and the two that are raced for."""

    host: Member
    guests: Sequence[Member]
    meetings: list[Meeting]


class Day:
    """Plays the day with `members` (10 or more, not registered yet). `differences` are plain sentences."""

    def __init__(self, cast: Cast, members: Sequence[Member], rng: random.Random, *, progress: bool) -> None:
        self.differences: list[str] = []
        self._cast = cast
        self._members = members
        self._rng = rng
        count = max(3, len(members) // GUESTS_A_HOST)
        hosts, guests = members[:count], members[count:]
        self._circles = [Circle(host, guests[number::count], []) for number, host in enumerate(hosts)]
        self._progress = Progress(
            TextColumn("{task.description:28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            disable=not progress,
        )

    async def play(self) -> None:
        with self._progress:
            await self._phase("register and listen", [self._register(member) for member in self._members])
            members = [member for member in self._members if member.member_id]
            if len(members) < len(self._members):
                return  # the day needs everybody
            self._cast.members.update((member.member_id, member) for member in members)
            await self._phase(
                "follow each other",
                [self._follow(n, ahead) for n in range(len(members)) for ahead in range(1, FOLLOWS + 1)],
            )
            await self._phase("open meetings", [self._open(n, circle) for n, circle in enumerate(self._circles)])
            await self._phase(
                "race for seats and pay",
                [
                    scenes.arrive(self._cast, guest, meeting)
                    for circle in self._circles
                    for meeting in circle.meetings
                    for guest in circle.guests
                ],
            )
            for meeting in self._cast.model.meetings.values():
                self.differences += meeting.race()
            await self._phase("lose connections", [member.stream.drop() for member in self._members[::7]])
            await self._phase(
                "leave and move up",
                [self._some_leave(meeting) for circle in self._circles for meeting in circle.meetings],
            )
            await self._phase("late, rejected, called off", self._trouble())

    async def _phase(self, name: str, acts: Sequence[Coroutine[Any, Any, None]]) -> None:
        bar = self._progress.add_task(name, total=len(acts))

        async def one(act: Coroutine[Any, Any, None]) -> None:
            try:
                await act
            except UnexpectedError as error:
                self.differences.append(str(error))
            self._progress.advance(bar)

        await together(one(act) for act in acts)

    async def _register(self, member: Member) -> None:
        await member.register()

    async def _follow(self, number: int, ahead: int) -> None:
        member, other = self._members[number], self._members[(number + ahead) % len(self._members)]
        await member.command("follow", "POST", f"/api/v2/users/{other.member_id}/follow")
        self._cast.model.followed(other.member_id)

    async def _open(self, number: int, circle: Circle) -> None:
        """A free and a paid meeting, each with seats for about two of three who will come."""
        capacity = 1 + max(1, len(circle.guests) * 2 // 3)
        free = Plan(title=f"산책 {number + 1}", capacity=capacity)
        paid = Plan(title=f"공방 {number + 1}", capacity=capacity, fee=FEE, hours=PAID_HOURS[number % len(PAID_HOURS)])
        for plan in (free, paid):
            circle.meetings.append(await self._cast.open(circle.host, plan))

    async def _some_leave(self, meeting: Meeting) -> None:
        seated = sorted(meeting.seated)
        leaving = self._rng.sample(seated, max(1, len(seated) // 4))
        line = meeting.line
        tired = self._cast.members[line[-1]] if len(line) > len(leaving) else None
        await scenes.some_leave(self._cast, meeting, [self._cast.members[who] for who in leaving], tired)

    def _trouble(self) -> list[Coroutine[Any, Any, None]]:
        """Three hosts with one story each; nobody is in two of them."""
        cast, (off, late, card) = self._cast, self._circles[:3]
        return [
            scenes.late_money(cast, late.host, late.guests[0], late.guests[1]),
            scenes.rejected_card(cast, card.host, card.guests[0], card.guests[1]),
            scenes.called_off(cast, off.host, off.guests[:CALLED_OFF_GUESTS], self.differences.append),
        ]
