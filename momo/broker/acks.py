"""Acknowledgements: one multiple ack for every run of settled messages of a channel."""

from __future__ import annotations

from collections.abc import Callable


class Ledger:
    """What one channel has delivered and what of it is settled.

    Tags count a channel's deliveries from 1. An ack with `multiple` covers all tags up to its own, so it is sent only
    up to the last tag before which everything is settled: never for a message that is still in hand.

    `send` writes such an ack, at once and in order. `gone` is set when the channel is closed: what it held will be
    delivered again, on another, and the inbox knows it.
    """

    def __init__(self, send: Callable[[int], None]) -> None:
        self._send = send
        self._acked = 0
        self._settled: set[int] = set()
        self.delivered = 0
        self.gone = False

    def take(self, tag: int) -> None:
        """A message came with `tag`."""
        self.delivered = max(self.delivered, tag)

    def settle(self, tag: int) -> None:
        self._settled.add(tag)

    @property
    def held(self) -> int:
        """How many messages are delivered and not acknowledged."""
        return self.delivered - self._acked

    @property
    def unsettled(self) -> int:
        """How many messages are delivered and not dealt with."""
        return self.held - len(self._settled)

    def acknowledge(self) -> None:
        """Sends what can be sent."""
        last = self._acked
        while last + 1 in self._settled:
            last += 1
            self._settled.discard(last)
        if last > self._acked:
            self._acked = last
            if not self.gone:
                self._send(last)
