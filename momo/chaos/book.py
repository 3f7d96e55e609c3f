"""The rig's book: every command, every meeting and member, and what was seen to be wrong while the run went on."""

from __future__ import annotations

from typing import Literal

import msgspec

from momo.chaos.client import Command
from momo.chaos.streams import Stream

Kind = Literal["lost", "doubled", "stuck", "order_breaks", "oversold", "books_differ_by"]


class Difference(msgspec.Struct, frozen=True):
    """What is not as it should be, as a plain sentence. `amount` is 1, or KRW where the books differ."""

    kind: Kind
    text: str
    amount: int = 1


class Meeting(msgspec.Struct, kw_only=True, eq=False):
    """A meeting that a command of ours has opened. `ended`: its host has called it off, or has begun to."""

    meeting_id: int
    host_id: int
    title: str
    capacity: int
    fee: int
    hold_seconds: int
    ended: bool = False
    called_off: bool = False
    """The host was told that it is done."""

    @property
    def path(self) -> str:
        return f"/meetings/{self.meeting_id}"


class Book:
    """What the clients know; to be compared with what MOMO has."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.members: list[int] = []
        """Those whose registration is known to be done."""
        self.meetings: dict[int, Meeting] = {}
        self.follows: dict[tuple[int, int], Stream] = {}
        """By follower and followee."""
        self.places: dict[tuple[int, int], Stream] = {}
        """By meeting and member."""
        self.joins: dict[tuple[int, int], list[str]] = {}
        """What each done join was given (seated, held or waiting), by meeting and member."""
        self.leaves: dict[tuple[int, int], int] = {}
        """How many leaves were done, by meeting and member."""
        self.followed: dict[tuple[int, int], int] = {}
        """How many follows were done, by follower and followee."""
        self.orders: set[str] = set()
        """Orders that a join was told."""
        self.confirmed: list[str] = []
        """Orders whose payment MOMO has begun to confirm."""
        self.planted: dict[str, str] = {}
        """Poison: the dead-letter queue where it must end, by message id."""
        self.seen: list[Difference] = []
        self.oversold: set[int] = set()

    @property
    def accepted(self) -> int:
        """How many commands a gateway has taken."""
        return sum(bool(command.id) for command in self.commands)

    def contradicts(self, command: Command, what: str) -> None:
        self.seen.append(Difference("doubled", f"{command}: {what}"))

    def place(self, meeting: Meeting, member_id: int) -> Stream:
        return self.places.setdefault((meeting.meeting_id, member_id), Stream(loose=meeting.fee > 0))

    def follow(self, follower_id: int, followee_id: int) -> Stream:
        return self.follows.setdefault((follower_id, followee_id), Stream())
