"""Least privilege: what each process's own user may do on the broker and in the databases, derived from the topology.

A worker and a relay of a service run as `momo_<service>`, gateways as `momo_gateway`; whoever migrates, declares the
topology or handles dead letters is `momo_operator`; what reads the broker's metrics is `momo_monitor`. No password
stands in any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from contracts import meeting, notification, payment, user
from contracts.base import Message
from contracts.topology import DELAYS_MS, KEYS, exchange_of, queues_of
from momo.broker.failures import delay_exchange
from momo.broker.management import vhost_of
from momo.dlq.holding import lock_of
from momo.gateway.health import COMMANDS
from momo.settings import DATABASES, Settings

SENDS: dict[str, tuple[type[Message], ...]] = {
    "user": (
        user.UnfollowUser,
        user.WithdrawUser,
        user.UserRegistered,
        user.UserFollowed,
        user.UserWithdrawn,
    ),
    "meeting": (
        meeting.CancelSeat,
        meeting.DeleteMeeting,
        meeting.DismissMembers,
        meeting.WithdrawMember,
        meeting.ExpireHold,
        meeting.MeetingJoined,
        meeting.MeetingCancelled,
        meeting.MeetingOffered,
        meeting.MeetingDismissed,
        payment.RegisterPayment,
        payment.ExpirePayment,
        payment.RefundPayment,
    ),
    "payment": (
        payment.ChargePayment,
        payment.InspectPayment,
        payment.SettlePayment,
        payment.ExpirePayment,
        payment.ReturnPayment,
        payment.PaymentCompleted,
        payment.PaymentFailed,
        payment.PaymentRefunded,
    ),
    "notification": (
        notification.CreateNotification,
        notification.SendNotification,
        notification.AnnounceNotification,
        notification.BroadcastNotification,
    ),
}
"""What the handlers of each service send, at once or by a timer."""

OPERATOR = "momo_operator"
MONITOR = "momo_monitor"
WORKS = ("SELECT", "INSERT", "UPDATE", "DELETE")
READS = ("SELECT",)
MIGRATES = (*WORKS, "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES")


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What `user` may do: read `queues`, publish under the `keys` of topic exchanges and to `exchanges` of other kinds,
    declare `locks`, delete `partitions`, and use `privileges` in the databases of `services`. `everything` on the
    broker is for who declares it; `tag` says what the management API shows."""

    user: str
    queues: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    keys: dict[str, tuple[str, ...]] = {}
    exchanges: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()
    everything: bool = False
    tag: str = ""


def accesses() -> tuple[Access, ...]:
    """One for each user: the gateway, each service, the operator, who watches the broker."""
    commands = [contract for contracts in COMMANDS.values() for contract in contracts]
    gateway = Access(user="momo_gateway", keys=_keys(commands), services=DATABASES, privileges=READS)
    operator = Access(user=OPERATOR, services=DATABASES, privileges=MIGRATES, everything=True, tag="management")
    return (gateway, *map(_of, DATABASES), operator, Access(user=MONITOR, tag="monitoring"))


def definitions(settings: Settings) -> dict[str, Any]:
    """Definitions that RabbitMQ imports, for the virtual host of `settings`; the users have to be there already."""
    vhost = vhost_of(settings.amqp_url)
    topics = [
        {"user": access.user, "vhost": vhost, "exchange": exchange, "write": _any(keys), "read": _any(())}
        for access in accesses()
        for exchange, keys in access.keys.items()
    ]
    return {
        "permissions": [{"user": a.user, "vhost": vhost, **_permissions(a)} for a in accesses()],
        "topic_permissions": topics,
    }


def statements(settings: Settings) -> list[str]:
    """SQL for MariaDB or MySQL. A user that is not there yet is made, and locked until somebody gives it a password."""
    made = [made_locked(access) for access in accesses() if access.services]
    return made + [granted(settings, access, service) for access in accesses() for service in access.services]


def made_locked(access: Access) -> str:
    """SQL that makes the user, where it is not there yet, without a way in."""
    return f"CREATE USER IF NOT EXISTS '{access.user}'@'%' ACCOUNT LOCK"


def granted(settings: Settings, access: Access, service: str) -> str:
    """SQL that gives the user what it needs in the database of `service`."""
    return f"GRANT {', '.join(access.privileges)} ON {_database(settings, service)}.* TO '{access.user}'@'%'"


def _of(service: str) -> Access:
    queues = queues_of(service)
    keys = _keys(SENDS[service])
    for queue in queues:
        exchange = queue.dead_letter_exchange
        keys[exchange] = (*keys.get(exchange, ()), queue.dead_letter_queue)
    return Access(
        user=f"momo_{service}",
        # a relay looks at its oldest dead letter, under the lock that operators take too
        queues=(*(name for q in queues for name in q.sources), *(queue.dead_letter_queue for queue in queues)),
        locks=tuple(map(lock_of, queues)),
        # a partition that is retired is deleted by who has emptied it
        partitions=tuple(name for queue in queues for name in queue.parts),
        keys=keys,
        exchanges=tuple(map(delay_exchange, DELAYS_MS)),
        services=(service,),
        privileges=WORKS,
    )


def _keys(contracts: Iterable[type[Message]]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for key in sorted(KEYS[contract] for contract in contracts):
        keys[exchange_of(key)] = (*keys.get(exchange_of(key), ()), key)
    return keys


def _permissions(access: Access) -> dict[str, str]:
    if access.everything:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "configure": _any((*access.locks, *access.partitions)),
        "write": _any((*access.keys, *access.exchanges)),
        "read": _any(access.queues),
    }


def _any(names: Iterable[str]) -> str:
    """A pattern that matches exactly `names`."""
    return f"^({'|'.join(map(re.escape, names))})$"


def _database(settings: Settings, service: str) -> str:
    """The database of `service` as a GRANT takes it: there, an underscore stands for any character."""
    name = urlsplit(settings.db_url(service)).path.lstrip("/")
    return "`" + name.replace("`", "``").replace("_", r"\_") + "`"
