"""One member's acts on one thing: what their outcomes say of the order in which they took effect."""

from __future__ import annotations

import pytest

from momo.chaos.outcome import Known
from momo.chaos.streams import Stream

DONE = Known("done", 200, "")


def refused(kind: str) -> Known:
    return Known("refused", 409, kind)


ALREADY = refused("already-following")
NOT = refused("not-following")
ILLEGAL = refused("illegal-transition")
CANCELLED = refused("meeting-cancelled")


def test_acts_that_alternate_break_no_order() -> None:
    stream = Stream()
    acts = [("follow", DONE), ("follow", ALREADY), ("unfollow", DONE), ("unfollow", NOT), ("follow", DONE)]
    assert [stream.follows(act, known) for act, known in acts] == [""] * 5
    assert stream.state == "in"


@pytest.mark.parametrize(
    ("acts", "what"),
    [
        ([("follow", DONE), ("follow", DONE)], "an older unfollow took effect late, or the first follow twice"),
        ([("unfollow", DONE)], "an effect without its cause"),
        ([("follow", DONE), ("unfollow", DONE), ("follow", ALREADY)], "an older follow took effect late"),
        ([("follow", DONE), ("unfollow", NOT)], "an older unfollow took effect late"),
        ([("follow", refused("unknown-user"))], "a refusal that nothing explains"),
    ],
)
def test_outcomes_that_contradict_the_acts_before_break_the_order(acts: list[tuple[str, Known]], what: str) -> None:
    stream = Stream()
    assert [stream.follows(act, known) for act, known in acts][-1] != "", what


def test_free_place_ends_only_when_its_member_leaves() -> None:
    stream = Stream()
    assert stream.follows("join", DONE) == ""
    assert stream.follows("leave", CANCELLED) == ""
    assert stream.follows("leave", ILLEGAL) != ""


def test_place_to_be_paid_may_end_by_itself_and_come_back_with_late_money() -> None:
    stream = Stream(loose=True)
    assert [stream.follows(act, known) for act, known in [("join", DONE), ("leave", ILLEGAL)]] == ["", ""]
    assert stream.state == "unknown"
    assert stream.follows("join", ILLEGAL) == ""
    assert [stream.follows(act, known) for act, known in [("leave", DONE), ("join", ILLEGAL)]] == ["", stream_broken()]


def stream_broken() -> str:
    return "join number 5 was refused (illegal-transition) though the member was out"
