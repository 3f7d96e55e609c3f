"""Counters: handlers of the tests on the meeting service's queues, made to fail in every way the engine must bear.

`meeting.join.queue` adds `member_id` to the counter `meeting_id`, and does what `nickname` says besides;
`meeting.cancel.queue` takes back a counter's first step, found by a query; `meeting.expire.queue` is what a counter
sends on; `notification.send.queue` calls the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

import msgspec
from msgspec.structs import replace

from contracts.base import Message
from contracts.meeting import CancelSeat, ExpireHold, JoinMeeting
from contracts.notification import SendNotification
from contracts.topology import queue_named
from momo.actors import Context, Decision, Key, Record, Rows, State, Timer, World, accept, refuse
from momo.worker import Service

ADD = queue_named("meeting.join.queue")
UNDO = queue_named("meeting.cancel.queue")
TOLD = queue_named("meeting.expire.queue")
CALL = queue_named("notification.send.queue")
QUEUES = (ADD, UNDO, TOLD, CALL)

TABLES = (
    """CREATE TABLE counters (counter_id BIGINT PRIMARY KEY, total BIGINT NOT NULL, steps INT NOT NULL,
    trail TEXT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4""",
    """CREATE TABLE counter_steps (counter_id BIGINT NOT NULL, step INT NOT NULL, step_id BIGINT NOT NULL UNIQUE,
    amount BIGINT NOT NULL, PRIMARY KEY (counter_id, step)) ENGINE=InnoDB""",
)


class Counter(Record, frozen=True, kw_only=True):
    """`trail` names what was added, in the order of the decisions."""

    table: ClassVar = "counters"
    key: ClassVar = ("counter_id",)
    counter_id: int
    total: int = 0
    steps: int = 0
    trail: str = ""


class Step(Record, frozen=True, kw_only=True):
    """One addition to a counter."""

    table: ClassVar = "counter_steps"
    key: ClassVar = ("counter_id", "step")
    counter_id: int
    step: int
    step_id: int
    amount: int


class Counted(msgspec.Struct, frozen=True):
    """The answer to an addition."""

    total: int


class Addition(State, frozen=True, kw_only=True):
    counter: Annotated[Counter | None, Key("meeting_id")]


class Undoing(State, frozen=True, kw_only=True):
    counter: Annotated[Counter | None, Key("meeting_id")]
    first: Annotated[tuple[Step, ...], Rows(where={"counter_id": "meeting_id"}, order="step", limit=1)]


Fault = Callable[[Message], None]


def add(counter: int, amount: int = 1, do: str = "") -> JoinMeeting:
    """Adds; `do` is `refuse`, `tell` (send on), `timer <key> <milliseconds>`, `stop <key>`, or for a fault to see."""
    return JoinMeeting(meeting_id=counter, member_id=amount, nickname=do)


def undo(counter: int) -> CancelSeat:
    return CancelSeat(meeting_id=counter, member_id=0)


def told(counter: int) -> int:
    """The counter that counts what `counter` has sent on."""
    return counter + 1_000_000


def call(counter: int, content: str = "") -> SendNotification:
    return SendNotification(
        member_id=counter,
        sequence=1,
        type="user.followed",
        content=content,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def no_fault(_: Message) -> None:
    """Nothing goes wrong."""


def counters(fault: Fault = no_fault) -> Service:
    """The decisions on counters; `fault` is run within each, and may raise."""
    service = Service("meeting")

    def decide_add(command: JoinMeeting, state: Addition, context: Context) -> Decision:
        fault(command)
        if command.nickname == "refuse":
            return refuse("counter-closed", "This counter is closed")
        counter = _added(state.counter or Counter(counter_id=command.meeting_id), command.member_id)
        step = Step(
            counter_id=counter.counter_id,
            step=counter.steps,
            step_id=context.next_id(),
            amount=command.member_id,
        )
        sent = ExpireHold(meeting_id=told(counter.counter_id), member_id=1, order_id="")
        sends: list[Message] = []
        timers: list[Timer] = []
        cancels: list[str] = []
        match command.nickname.split():
            case ["tell"]:
                sends.append(sent)
            case ["timer", key, wait]:
                timers.append(Timer(key=key, due=context.now + timedelta(milliseconds=int(wait)), message=sent))
            case ["stop", key]:
                cancels.append(key)
        return accept(Counted(counter.total), saves=[counter, step], sends=sends, timers=timers, cancels=cancels)

    def decide_undo(command: CancelSeat, state: Undoing, context: Context) -> Decision:
        fault(command)
        if state.counter is None or not state.first:
            return refuse("counter-empty", "There is nothing to take back")
        (step,) = state.first
        counter = replace(state.counter, total=state.counter.total - step.amount, trail=f"{state.counter.trail}u ")
        return accept(Counted(counter.total), saves=[counter], drops=[step])

    def decide_told(command: ExpireHold, state: Addition, context: Context) -> Decision:
        fault(command)
        return accept(saves=[_added(state.counter or Counter(counter_id=command.meeting_id), command.member_id)])

    service.decides(ADD.name, decide_add, actor="meeting_id")
    service.decides(UNDO.name, decide_undo, actor="meeting_id")
    service.decides(TOLD.name, decide_told, actor="meeting_id")
    return service


def calls(fault: Fault = no_fault) -> Service:
    """The effect; it learns that the counter named by `member_id` is to grow by one."""
    service = Service("notification")

    async def effect(command: SendNotification, world: World) -> Iterable[Message]:
        fault(command)
        return [add(command.member_id)]

    service.calls(CALL.name, effect)
    return service


def _added(counter: Counter, amount: int) -> Counter:
    return replace(counter, total=counter.total + amount, steps=counter.steps + 1, trail=f"{counter.trail}{amount} ")
