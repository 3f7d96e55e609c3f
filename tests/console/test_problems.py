"""What the banner says of a look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from momo.console.problems import problems
from momo.lag.snapshot import OutboxLag, QueueLag, SagaLag, Snapshot, TimersLag
from momo.pauses import Paused

WORK = QueueLag(
    name="meeting.join.queue", kind="work", messages=0, oldest_age_s=0, consumers=1, published_rate=1, handled_rate=1
)
DEAD = replace(WORK, name="meeting.join.dlq", kind="dead", consumers=0)


def told(paused: Any = (), **parts: Any) -> list[tuple[str, str, str]]:
    return [(one.severity, one.subject, one.text) for one in problems(Snapshot(at=1.0, **parts), paused)]


def test_busy_system_without_trouble_says_nothing() -> None:
    assert told(queues=(replace(WORK, messages=900, oldest_age_s=2.0), DEAD)) == []


def test_queue_without_a_consumer_comes_before_dead_letters() -> None:
    found = told(queues=(replace(DEAD, messages=1), replace(WORK, consumers=0, messages=1200)))
    assert found == [
        ("critical", "meeting.join.queue", "has no consumer, 1,200 messages wait"),
        ("warning", "meeting.join.dlq", "1 dead letter"),
    ]


def test_old_message_is_a_problem_and_a_paused_queue_another_one() -> None:
    behind = replace(WORK, messages=3, oldest_age_s=75.0)
    pause = Paused(queue=WORK.name, by="kim", reason="a look", since=datetime.now(UTC), processes=["1"])
    assert told(queues=(behind,)) == [("critical", WORK.name, "is 75 s behind, 3 messages wait")]
    assert told([pause], queues=(replace(behind, consumers=0),)) == [("warning", WORK.name, "is paused by kim: a look")]


def test_what_can_not_be_asked_is_named() -> None:
    found = told(None, unknown=("broker", "database:payment"))
    assert [(severity, subject) for severity, subject, _ in found] == [
        ("critical", "broker"),
        ("critical", "database:payment"),
        ("warning", "redis"),
    ]
    assert found[1][2] == "the database of payment does not answer"


def test_outbox_timers_and_sagas_that_stand_still_are_named_with_their_service() -> None:
    found = told(
        outboxes=(OutboxLag(service="user", entries=2, oldest_age_s=45.0),),
        timers=(TimersLag(service="meeting", timers=9, overdue=1, overdue_s=90.0),),
        sagas=(
            SagaLag(saga="payment", state="CONFIRMING", count=1, oldest_age_s=600.0),
            SagaLag(saga="seat", state="waiting", count=1, oldest_age_s=1e6),
        ),
    )
    assert [subject for _, subject, _ in found] == ["outbox of user", "timers of meeting", "payment CONFIRMING"]
    assert found[2][2] == "the oldest is stuck for 10 min"
