"""Money that moved, counted once: from the events that announce it, in the flush that commits them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.payment import PaymentCompleted, PaymentRefunded
from contracts.topology import KEYS
from momo.broker.envelope import Envelope
from momo.telemetry.metrics import MONEY

_TOLD = {KEYS[PaymentCompleted]: MONEY.labels("taken"), KEYS[PaymentRefunded]: MONEY.labels("returned")}


class _Amount(msgspec.Struct):
    amount: int


_amount = msgspec.json.Decoder(_Amount).decode


def announced(envelopes: Sequence[Envelope]) -> None:
    """`envelopes` are what a committed flush sends; a repeated message sends nothing, so no won is counted twice."""
    for envelope in envelopes:
        if (moved := _TOLD.get(envelope.type)) is not None:
            moved.inc(_amount(envelope.body).amount)
