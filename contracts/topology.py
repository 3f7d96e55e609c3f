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


class Partitions(msgspec.Struct, frozen=True, kw_only=True):
    """Splits a queue by actor, so that any number of processes keep each actor's messages in order.

    Messages with the same value in the field `by` of their contract go to the same one of `count` queues, each of which
    one process consumes at a time. To change `count`, name the old one in `was` until `momo topology check` finds
    none of its queues: they are emptied before the new ones are begun. 0 goes back to one queue.
    """

    by: str
    count: int
    was: tuple[int, ...] = ()


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One queue: `service` consumes `contract` published under `key`.

    `kind` says how: a `decision` commits to the service's database, an `effect` talks to the world.
    `attempts` is how often a message that raises is tried before it is a dead letter. With `partitions` what is
    published is split; what comes back from a delay or a replay is not. With `holds_back` a decision that raises is
    tried again at once, and a dead letter keeps its actor's later messages from being decided: they lie behind it.
    """

    key: str
    contract: type[Message]
    service: str
    subscriber: str = ""
    kind: Literal["decision", "effect"] = "decision"
    attempts: int = 3
    partitions: Partitions | None = None
    holds_back: bool = False

    def __post_init__(self) -> None:
        if self.holds_back and self.kind != "decision":
            raise ValueError(f"{self.name} can't hold back: only decisions say in which order an actor's messages are")

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
    def partition_exchanges(self) -> tuple[str, ...]:
        """Where what is published is split, for each count of `partitions`: the old ones first, then the present."""
        return tuple(f"{self.stem}.{count}.partitions" for count in self._counts)

    @property
    def partition_queues(self) -> tuple[tuple[str, ...], ...]:
        """For each count of `partitions`, in the same order, the names of its queues."""
        return tuple(tuple(f"{self.stem}.{count}.{n}.queue" for n in range(count)) for count in self._counts)

    @property
    def is_split(self) -> bool:
        """Whether what is published under its key goes to partitions."""
        return self.partitions is not None and self.partitions.count > 0

    @property
    def keeps_order(self) -> bool:
        """Whether a message that can't be decided now must not be overtaken by its actor's later ones."""
        return self.is_split or self.holds_back

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all its partitions, of every count."""
        return tuple(name for names in self.partition_queues for name in names)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every queue on the broker that holds its messages: its own, and all partitions."""
        return (self.name, *self.parts)

    @property
    def _counts(self) -> tuple[int, ...]:
        return (*self.partitions.was, self.partitions.count) if self.partitions else ()

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

ACTORS: dict[type[Message], str] = {queue.contract: queue.partitions.by for queue in QUEUES if queue.partitions}
"""The field by which a contract's messages are split among partitions."""

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
