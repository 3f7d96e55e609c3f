"""The two kinds of message: a command asks its one owner for a change, an event says what has happened."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What travels: camelCase JSON on the wire; fields a reader does not know are ignored.

    `business_key` names the fields that tell one act from another. A producer that sets no message id (a Spring
    `RabbitTemplate`, say) is deduplicated by them. It stays empty where the act may rightly be repeated, as in
    join, leave, join again: there the records themselves refuse the second of two.

    `wire_version` rises by one with a change that a reader or writer of the last release could not follow
    (`momo contracts check` says so); what older ones wrote is read through `contracts/upcasts.py`.
    """

    business_key: ClassVar[tuple[str, ...]] = ()
    wire_version: ClassVar[int] = 1


class Command(Message, frozen=True, kw_only=True):
    """Asks the owner of its queue for a change; named in the imperative."""


class Event(Message, frozen=True, kw_only=True):
    """Says what has happened; named by a past participle; any service may subscribe."""
