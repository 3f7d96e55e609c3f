"""Acknowledgements: one multiple ack for every run of settled messages of a channel."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiormq.exceptions import AMQPError

log = logging.getLogger(__name__)


class Ledger:
    """What one channel has delivered and what of it is settled.

    Tags count a channel's deliveries from 1. An ack with `multiple` covers all tags up to its own, so it is sent only
    up to the last tag before which everything is settled: never for a message that is still in hand.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._acked = 0
        self._settled: set[int] = set()
        self._sending = asyncio.Lock()
        self.delivered = 0

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
    def gone(self) -> bool:
        """Whether the channel is closed: what it held will be delivered again, on another."""
        return bool(self._channel.is_closed)

    async def acknowledge(self) -> None:
        """Sends what can be sent. On a channel that is gone there is nothing to do: the broker delivers these messages
        again, and the inbox knows them."""
        # one at a time: an ack that another overtakes on its way out names a tag that is settled already, and for that
        # the broker closes the channel
        async with self._sending:
            last = self._acked
            while last + 1 in self._settled:
                last += 1
                self._settled.discard(last)
            if last == self._acked:
                return
            self._acked = last
            try:
                await self._channel.basic_ack(last, multiple=True, wait=False)
            except (AMQPError, RuntimeError, OSError) as error:
                log.info("ack up to %d went with its channel: %s", last, error)
