"""Everybody's exchange, queue, routing key, contract, owner and dead-letter queue: once, as data.

A key in the imperative is a command with one owner, a past participle is an event. `<key>.queue` belongs to the first
subscriber, `<key>.<subscriber>.queue` to each further one. Dead letters of `meeting.join.queue` go through
`meeting.dlx` to `meeting.join.dlq`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from contracts import meeting, notification, payment, user
from contracts.base import Message


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One queue: `service` consumes `contract` published under `key`.

    `kind` says how: a `decision` commits to the service's database, an `effect` talks to the world.
    `attempts` is how often a message that raises is tried before it is a dead letter.
    """

    key: str
    contract: type[Message]
    service: str
    subscriber: str = ""
    kind: Literal["decision", "effect"] = "decision"
    attempts: int = 3

    @property
    def stem(self) -> str:
        return f"{self.key}.{self.subscriber}" if self.subscriber else self.key

    @property
    def name(self) -> str:
        return f"{self.stem}.queue"

    @property
    def exchange(self) -> str:
        return exchange_of(self.key)

    @property
    def dead_letter_exchange(self) -> str:
        return f"{self.key.partition('.')[0]}.dlx"

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.stem}.dlq"


def exchange_of(key: str) -> str:
    """The topic exchange of a routing key: `meeting.join` is published to `meeting.exchange`."""
    return f"{key.partition('.')[0]}.exchange"


TOSS_ATTEMPTS = 5
"""Spread over a minute or more: troubles of a payment provider that come and go must not bury money's way back."""

QUEUES: tuple[Queue, ...] = (
    Queue(key="user.register", contract=user.RegisterUser, service="user"),
    Queue(key="user.follow", contract=user.FollowUser, service="user"),
    Queue(key="user.unfollow", contract=user.UnfollowUser, service="user"),
    Queue(key="user.withdraw", contract=user.WithdrawUser, service="user"),
    Queue(key="user.registered", contract=user.UserRegistered, service="notification"),
    Queue(key="user.followed", contract=user.UserFollowed, service="notification"),
    Queue(key="user.withdrawn", contract=user.UserWithdrawn, service="meeting"),
    Queue(key="user.withdrawn", contract=user.UserWithdrawn, service="notification", subscriber="notification"),
    Queue(key="meeting.create", contract=meeting.CreateMeeting, service="meeting"),
    Queue(key="meeting.join", contract=meeting.JoinMeeting, service="meeting"),
    Queue(key="meeting.cancel", contract=meeting.CancelSeat, service="meeting"),
    Queue(key="meeting.delete", contract=meeting.DeleteMeeting, service="meeting"),
    Queue(key="meeting.dismiss", contract=meeting.DismissMembers, service="meeting"),
    Queue(key="meeting.withdraw", contract=meeting.WithdrawMember, service="meeting"),
    Queue(key="meeting.expire", contract=meeting.ExpireHold, service="meeting"),
    Queue(key="meeting.joined", contract=meeting.MeetingJoined, service="notification"),
    Queue(key="meeting.cancelled", contract=meeting.MeetingCancelled, service="notification"),
    Queue(key="meeting.offered", contract=meeting.MeetingOffered, service="notification"),
    Queue(key="meeting.dismissed", contract=meeting.MeetingDismissed, service="notification"),
    Queue(key="payment.register", contract=payment.RegisterPayment, service="payment"),
    Queue(key="payment.confirm", contract=payment.ConfirmPayment, service="payment"),
    Queue(
        key="payment.charge", contract=payment.ChargePayment, service="payment", kind="effect", attempts=TOSS_ATTEMPTS
    ),
    Queue(
        key="payment.inspect", contract=payment.InspectPayment, service="payment", kind="effect", attempts=TOSS_ATTEMPTS
    ),
    Queue(key="payment.settle", contract=payment.SettlePayment, service="payment"),
    Queue(key="payment.expire", contract=payment.ExpirePayment, service="payment"),
    Queue(key="payment.refund", contract=payment.RefundPayment, service="payment"),
    Queue(
        key="payment.return", contract=payment.ReturnPayment, service="payment", kind="effect", attempts=TOSS_ATTEMPTS
    ),
    Queue(key="payment.completed", contract=payment.PaymentCompleted, service="meeting"),
    Queue(
        key="payment.completed", contract=payment.PaymentCompleted, service="notification", subscriber="notification"
    ),
    Queue(key="payment.failed", contract=payment.PaymentFailed, service="meeting"),
    Queue(key="payment.failed", contract=payment.PaymentFailed, service="notification", subscriber="notification"),
    Queue(key="payment.refunded", contract=payment.PaymentRefunded, service="notification"),
    Queue(key="notification.create", contract=notification.CreateNotification, service="notification"),
    Queue(key="notification.announce", contract=notification.AnnounceNotification, service="notification"),
    Queue(
        key="notification.broadcast",
        contract=notification.BroadcastNotification,
        service="notification",
        kind="effect",
    ),
    Queue(key="notification.send", contract=notification.SendNotification, service="notification", kind="effect"),
)

EXCHANGES: tuple[str, ...] = tuple(sorted({queue.exchange for queue in QUEUES}))

KEYS: dict[type[Message], str] = {queue.contract: queue.key for queue in QUEUES}
"""The routing key that each contract is published under."""

DELAYS_MS: tuple[int, ...] = (100, 500, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000)
"""The rungs of the delay ladder, in milliseconds: exchange `momo.delay.<n>` with one queue of that TTL each."""


def queue_named(name: str) -> Queue:
    """The queue called `name`. Raises KeyError, naming what there is."""
    for queue in QUEUES:
        if queue.name == name:
            return queue
    raise KeyError(f"no queue is called {name!r}; there are: {', '.join(queue.name for queue in QUEUES)}")


def queues_of(service: str) -> tuple[Queue, ...]:
    return tuple(queue for queue in QUEUES if queue.service == service)
