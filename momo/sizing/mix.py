"""What members do, and which messages each of their commands causes: the day of `momo demo` without registrations."""

from __future__ import annotations

import msgspec

from contracts.topology import Queue, queue_named


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A client's command: its share of all commands, and how many messages of each queue are handled because of it.
    Toss tells of every change of a payment by a webhook too, which is looked into."""

    share: float
    handled: dict[str, int]


MIX: dict[str, Act] = {
    "follow": Act(
        share=0.34,
        handled={
            "user.follow.queue": 1,
            "user.followed.queue": 1,
            "notification.create.queue": 1,
            "notification.send.queue": 1,
        },
    ),
    "join a free meeting": Act(
        share=0.20,
        handled={
            "meeting.join.queue": 1,
            "meeting.joined.queue": 1,
            "notification.create.queue": 2,
            "notification.send.queue": 2,
        },
    ),
    "join a paid meeting": Act(share=0.20, handled={"meeting.join.queue": 1, "payment.register.queue": 1}),
    "pay": Act(
        share=0.20,
        handled={
            "payment.confirm.queue": 1,
            "payment.charge.queue": 1,
            "payment.settle.queue": 2,
            "payment.inspect.queue": 1,
            "payment.completed.queue": 1,
            "payment.completed.notification.queue": 1,
            "meeting.joined.queue": 1,
            "notification.create.queue": 3,
            "notification.send.queue": 3,
        },
    ),
    "leave a free meeting": Act(
        share=0.03,
        handled={
            "meeting.cancel.queue": 1,
            "meeting.cancelled.queue": 1,
            "notification.create.queue": 1,
            "notification.send.queue": 1,
        },
    ),
    "leave a paid meeting": Act(
        share=0.03,
        handled={
            "meeting.cancel.queue": 1,
            "meeting.cancelled.queue": 1,
            "payment.refund.queue": 1,
            "payment.return.queue": 1,
            "payment.settle.queue": 2,
            "payment.inspect.queue": 1,
            "payment.refunded.queue": 1,
            "notification.create.queue": 2,
            "notification.send.queue": 2,
        },
    ),
}


def handled() -> dict[Queue, float]:
    """Messages of each queue for one command of the mix."""
    found: dict[Queue, float] = {}
    for act in MIX.values():
        for name, count in act.handled.items():
            queue = queue_named(name)
            found[queue] = found.get(queue, 0.0) + act.share * count
    return found


def commands() -> dict[str, float]:
    """The share of the commands that each service decides: the first queue of an act is the command's."""
    found: dict[str, float] = {}
    for act in MIX.values():
        service = queue_named(next(iter(act.handled))).service
        found[service] = found.get(service, 0.0) + act.share
    return found
