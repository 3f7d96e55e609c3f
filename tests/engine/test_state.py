"""States: how a decision's needs are read from its annotations, and how mistakes in them are told."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest

from contracts.meeting import CancelSeat, JoinMeeting
from momo.actors import Context, Decision, Key, Record, Rows, State, accept
from momo.actors.handler import handler
from momo.actors.state import loads_of
from tests.engine.counter import ADD, Counter, Step


class Member(Record, frozen=True, kw_only=True):
    table: ClassVar = "members"
    key: ClassVar = ("member_id",)
    member_id: int
    email: str


class Found(State, frozen=True, kw_only=True):
    counter: Annotated[Counter | None, Key("meeting_id")]
    step: Annotated[Step | None, Key("meeting_id", "member_id")]
    named: Annotated[Member | None, Key(email="nickname")]
    steps: Annotated[tuple[Step, ...], Rows(where={"counter_id": "meeting_id"}, order="step", limit=3)]


class Bare(State, frozen=True, kw_only=True):
    counter: Counter | None


class Marked(State, frozen=True, kw_only=True):
    counter: Annotated[Counter | None, "by meeting"]


class Short(State, frozen=True, kw_only=True):
    step: Annotated[Step | None, Key("meeting_id")]


class Plain(State, frozen=True, kw_only=True):
    number: Annotated[int, Key("meeting_id")]


class Unknown(State, frozen=True, kw_only=True):
    counter: Annotated[Counter | None, Key("room_id")]


class UnknownRows(State, frozen=True, kw_only=True):
    steps: Annotated[tuple[Step, ...], Rows(where={"counter_id": "room_id"}, order="step", limit=3)]


def test_keys_and_queries_are_read_from_the_annotations() -> None:
    keys, rows = loads_of(Found)
    assert [(k.name, k.record, k.columns, k.fields) for k in keys] == [
        ("counter", Counter, ("counter_id",), ("meeting_id",)),
        ("step", Step, ("counter_id", "step"), ("meeting_id", "member_id")),
        ("named", Member, ("email",), ("nickname",)),
    ]
    assert [(r.name, r.record, r.rows.limit) for r in rows] == [("steps", Step, 3)]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (Bare, r"Bare\.counter must be Annotated"),
        (Marked, r"Marked\.counter must be Annotated"),
        (Short, r"Short\.step gives \('meeting_id',\) for the key \('counter_id', 'step'\)"),
        (Plain, "names no Record"),
    ],
)
def test_a_state_that_can_not_be_loaded_is_told_when_it_is_wired(state: type[State], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        loads_of(state)


@pytest.mark.parametrize(("fields", "columns"), [((), {}), (("a",), {"b": "c"})])
def test_a_key_is_primary_or_unique_not_both(fields: tuple[str, ...], columns: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="give either"):
        Key(*fields, **columns)


def test_a_decision_without_a_state_is_told() -> None:
    def decide(command: JoinMeeting, state: Any, context: Context) -> Decision:
        return accept()

    with pytest.raises(TypeError, match="must annotate `state` with a State"):
        handler(ADD, decide, actor="meeting_id")


def test_a_decision_on_another_contracts_queue_is_told() -> None:
    def decide(command: CancelSeat, state: State, context: Context) -> Decision:
        return accept()

    with pytest.raises(TypeError, match=r"takes .*CancelSeat.*, but meeting\.join\.queue carries"):
        handler(ADD, decide, actor="meeting_id")


@pytest.mark.parametrize("state", [Unknown, UnknownRows])
def test_a_field_that_the_message_has_not_is_told(state: type[State]) -> None:
    def decide(command: JoinMeeting, state: State, context: Context) -> Decision:
        return accept()

    decide.__annotations__["state"] = state
    with pytest.raises(TypeError, match=r"JoinMeeting has no \['room_id'\]"):
        handler(ADD, decide, actor="meeting_id")


def test_an_actor_that_the_message_has_not_is_told() -> None:
    def decide(command: JoinMeeting, state: State, context: Context) -> Decision:
        return accept()

    with pytest.raises(TypeError, match=r"JoinMeeting has no \['room_id'\]"):
        handler(ADD, decide, actor="room_id")
