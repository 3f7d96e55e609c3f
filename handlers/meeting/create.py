"""`meeting.create.queue`: a host opens a meeting and takes its first seat."""

from __future__ import annotations

from datetime import UTC

from contracts.meeting import CreateMeeting
from contracts.outcome import Problem
from handlers.meeting import rules
from handlers.meeting.records import Meeting, Participant
from momo.actors import Context, Decision, Refused, State, accept


def decide(command: CreateMeeting, state: State, context: Context) -> Decision:  # noqa: ARG001 - it needs no state
    if errors := rules.errors_of(command, context.now):
        return Decision(
            outcome=Refused(
                problem=Problem(
                    type="invalid-meeting", title="The meeting can't be opened like this", status=422, errors=errors
                )
            )
        )
    meeting = Meeting(
        meeting_id=context.next_id(),
        host_id=command.host_id,
        host_nickname=command.host_nickname,
        title=command.title.strip(),
        description=command.description,
        category_id=command.category_id,
        place_name=command.place_name,
        latitude=command.latitude,
        longitude=command.longitude,
        starts_at=command.starts_at.astimezone(UTC),
        ends_at=command.ends_at.astimezone(UTC),
        capacity=command.capacity,
        fee=command.fee,
        hold_seconds=command.hold_seconds,
        refund_policy=command.refund_policy,
        seated=1,
        created_at=context.now,
    )
    host = Participant(
        meeting_id=meeting.meeting_id,
        member_id=command.host_id,
        nickname=command.host_nickname,
        host=True,
        status="seated",
        joined_at=context.now,
        changed_at=context.now,
    )
    return accept(rules.view_of(meeting, context.now), status=201, saves=[meeting, host])
