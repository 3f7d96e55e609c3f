"""Every fault by its kind: each strikes, lasts a few seconds, and heals what it did, also where it is cancelled."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping

from momo.chaos.faults import broker, database, memory, processes, provider, wire
from momo.chaos.site import Site

Fault = Callable[[Site, random.Random], Awaitable[None]]

FAULTS: Mapping[str, Fault] = {
    **processes.FAULTS,
    **broker.FAULTS,
    **database.FAULTS,
    **memory.FAULTS,
    **wire.FAULTS,
    **provider.FAULTS,
}
