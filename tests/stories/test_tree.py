"""The tree of a story: what records say of each other, in whatever order and with whatever gaps they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from msgspec.structs import replace

from momo.actors import Timer
from momo.actors.sent import Sent, sent, sent_of
from momo.broker.envelope import seal
from momo.broker.identity import derived_id, fresh_id, id_of_text, text_of_id
from momo.stories.hops import Story
from momo.stories.records import Record
from momo.stories.telling import Standing, told
from momo.stories.tree import grown
from tests.engine.counter import add
from tests.stories.telling import shape

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = id_of_text(fresh_id())


def record(queue: str, message_id: bytes = ROOT, cause: bytes = b"", second: int = 0, **fields: Any) -> Record:
    taken = START + timedelta(seconds=second)
    found = Record(
        service="meeting",
        message_id=message_id,
        queue=queue,
        sender="member:1",
        correlation_id="c",
        causation_id=text_of_id(cause) if cause else "",
        published_at=taken,
        taken_at=taken,
        ended_at=taken + timedelta(milliseconds=5),
        attempt=1,
        state="done",
        detail="",
        sent=Sent(),
    )
    return replace(found, **fields)


def child_of(queue: str, name: str, cause: bytes = ROOT) -> bytes:
    return id_of_text(derived_id(cause, f"{queue}/{name}"))


def story(records: Sequence[Record], **standing: Any) -> Story:
    return told("c", grown(records), Standing(now=START + timedelta(minutes=1), **standing))


JOIN = record("meeting.join.queue", sent=Sent(("meeting.joined",), {"hold:1": "meeting.expire"}))
JOINED = record("meeting.joined.queue", child_of("meeting.join.queue", "0"), ROOT, 1)


def test_the_order_of_the_records_does_not_matter() -> None:
    again = record("meeting.join.queue", state="failed", second=-1, detail="ValueError: a", attempt=1)
    stories = [story(order) for order in permutations([JOIN, JOINED, again])]
    assert all(found == stories[0] for found in stories)
    assert shape(stories[0]) == [
        (0, "meeting.join", "done"),
        (1, "meeting.joined", "done"),
        (1, "meeting.expire", "cancelled"),
    ]
    assert stories[0].hops[0].waiting_ms == 995  # from the end of the first attempt to the second


def test_a_message_whose_cause_is_not_known_is_a_root() -> None:
    assert shape(story([JOINED])) == [(0, "meeting.joined", "done")]


def test_a_message_that_says_no_sent_is_placed_by_its_cause() -> None:
    old = replace(JOIN, sent=Sent())
    assert shape(story([JOINED, old])) == [(0, "meeting.join", "done"), (1, "meeting.joined", "done")]


def test_messages_that_name_each_other_as_their_cause_are_told_once() -> None:
    one, two = id_of_text(fresh_id()), id_of_text(fresh_id())
    circle = [record("meeting.join.queue", one, two), record("meeting.cancel.queue", two, one, 1)]
    assert sorted(hop.queue for hop in story(circle).hops) == ["meeting.cancel.queue", "meeting.join.queue"]
    assert len(story([record("meeting.join.queue", ROOT, ROOT)]).hops) == 1


def test_a_queue_that_is_no_longer_there_is_told_all_the_same() -> None:
    [hop] = story([record("meeting.wave.queue")]).hops
    assert (hop.key, hop.service, hop.state) == ("meeting.wave", "meeting", "done")


def test_clocks_that_differ_make_no_negative_times() -> None:
    late = replace(JOINED, published_at=START + timedelta(hours=1))
    hop = story([JOIN, late]).hops[1]
    assert (hop.waiting_ms, hop.working_ms) == (0, 5)


def test_of_two_tables_that_tell_of_one_failure_the_cause_and_the_end_are_kept() -> None:
    inbox = record("meeting.join.queue", state="dead", ended_at=START + timedelta(milliseconds=9))
    attempt = record("meeting.join.queue", state="dead", detail="ValueError: a", attempt=3)
    [hop] = story([inbox, attempt]).hops
    assert (hop.state, hop.detail, hop.ended_at, len(hop.attempts)) == ("failed", "ValueError: a", inbox.ended_at, 1)


def test_what_was_sent_is_read_back() -> None:
    envelopes = [seal(add(1), message_id=fresh_id())] * 2
    timer = Timer(key="a b@c/ü", due=START, message=add(1))
    assert sent([]) is None
    assert sent_of(sent([])) == Sent()
    assert sent_of(sent(envelopes)) == Sent(("meeting.join", "meeting.join"))
    assert sent_of(sent(envelopes[:1], [timer])) == Sent(("meeting.join",), {"a b@c/ü": "meeting.join"})
    assert sent_of(sent([], [timer])) == Sent((), {"a b@c/ü": "meeting.join"})
