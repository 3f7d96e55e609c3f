"""What handling a message has sent, as its story needs it: routing keys and timers, from which ids can be derived.

Written as `payment.register meeting.expire@hold:7-9`: the keys of messages in their order, and each timer's with its
own key, percent-encoded, behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, unquote

import msgspec

from contracts.topology import KEYS
from momo.actors.decision import Timer
from momo.broker.envelope import Envelope


class Sent(msgspec.Struct, frozen=True):
    """The routing keys of `messages` in their order, and those of `timers` by the timer's key."""

    messages: tuple[str, ...] = ()
    timers: dict[str, str] = {}


def sent(envelopes: Sequence[Envelope], timers: Sequence[Timer] = ()) -> str | None:
    """As the databases keep it; None where nothing was sent."""
    if not timers:
        if not envelopes:
            return None
        return envelopes[0].type if len(envelopes) == 1 else " ".join([envelope.type for envelope in envelopes])
    keys = [envelope.type for envelope in envelopes]
    return " ".join(keys + [f"{KEYS[type(timer.message)]}@{quote(timer.key)}" for timer in timers])


def sent_of(text: str | None) -> Sent:
    """What `sent` has written."""
    parts = [part.partition("@") for part in (text or "").split()]
    return Sent(
        tuple(key for key, mark, _ in parts if not mark),
        {unquote(name): key for key, mark, name in parts if mark},
    )
