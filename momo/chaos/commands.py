"""Every command's outcome, beside the inboxes; and that what it made was made once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from momo.chaos.book import Book, Difference
from momo.chaos.client import Command
from momo.chaos.evidence import Evidence
from momo.chaos.outcome import Known


def commands(book: Book, evidence: Evidence) -> Iterator[Difference]:
    """Commands without an outcome, with two, or with an effect that is not there or there twice."""
    for command in book.commands:
        yield from _outcome(command, evidence.outcomes.get(command.id))
    yield from _made(book, evidence)


def _outcome(command: Command, there: Known | None) -> Iterator[Difference]:
    if command.rejected:
        yield Difference("lost", f"{command} was turned away: {command.rejected}")
    elif not command.id:
        yield Difference("stuck", f"{command} was never accepted")
    elif there is None:
        yield Difference("lost", f"{command} was accepted, and no inbox knows it")
    elif command.outcome is None:
        yield Difference("stuck", f"{command} has ended with {there}, but its client was never told")
    elif command.outcome != there:
        yield Difference("doubled", f"{command} was told {command.outcome}, the inbox has {there}")
    elif there.state == "failed":
        yield Difference("lost", f"{command} has failed")


def _made(book: Book, evidence: Evidence) -> Iterator[Difference]:
    for member, count in Counter(book.members).items():
        if count > 1:
            yield Difference("doubled", f"{count} registrations were told that they made member {member}")
        if member not in evidence.users:
            yield Difference("lost", f"member {member} has registered and has no account")
    for title, count in Counter(meeting.title for meeting in evidence.meetings.values()).items():
        if count > 1:
            yield Difference("doubled", f"the meeting '{title}' was opened {count} times")
    for meeting in book.meetings.values():
        if meeting.meeting_id not in evidence.meetings:
            yield Difference("lost", f"meeting {meeting.meeting_id} was opened and is not there")
