"""Ports to which a process that was killed can come back: outside the range that outgoing connections are given."""

from __future__ import annotations

import random
from collections.abc import Iterator

from momo.local.ports import is_free

LOWEST, HIGHEST = 20_000, 32_000


def lasting_ports() -> Iterator[int]:
    """Ports of 127.0.0.1 that nobody listens on now, each another one."""
    start = random.SystemRandom().randrange(LOWEST, HIGHEST)
    span = HIGHEST - LOWEST
    for step in range(span):
        port = LOWEST + (start - LOWEST + step) % span
        if is_free(port):
            yield port
