"""Publisher confirms: one future for a whole write, told by a light object for each of its messages."""

from __future__ import annotations

import asyncio
from typing import Any


class Confirms:
    """What one write waits for. `finished` is done when the broker has answered each message; `refused` says which
    it did not take."""

    def __init__(self, channel: Any) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refused: list[BaseException] = []
        self._channel = channel
        self._left = 0
        self._tags: dict[str, int] = {}

    def expect(self, message_id: str) -> None:
        """The next message of the channel is one of this write's."""
        channel = self._channel
        channel.delivery_tag += 1
        tag = channel.delivery_tag
        # by this the channel finds whose message came back as unroutable
        earlier = channel.confirmations.get(channel.message_id_delivery_tag.get(message_id))
        channel.message_id_delivery_tag[message_id] = tag
        channel.confirmations[tag] = _Confirm(self, earlier if isinstance(earlier, _Confirm) else None)
        self._tags[message_id] = tag
        self._left += 1

    def settle(self, refused: BaseException | None = None) -> None:
        if refused is not None:
            self.refused.append(refused)
        self._left -= 1
        if not self._left and not self.finished.done():
            self.finished.set_result(None)

    def forget(self) -> None:
        """Nobody waits any more."""
        tags = self._channel.message_id_delivery_tag
        for message_id, tag in self._tags.items():
            # another publish under the same id may be in flight, with a tag of its own
            if tags.get(message_id) == tag:
                del tags[message_id]


class _Confirm:
    """Stands where aiormq would keep a future for each message: those cost more than all else about a confirm.

    What comes back as unroutable bears only its message id. Where that is in flight twice, the channel takes it for the
    later one, and the ack that follows for the earlier one's: so none of them counts as taken.
    """

    __slots__ = ("_confirms", "_done", "_earlier", "unclear")

    def __init__(self, confirms: Confirms, earlier: _Confirm | None) -> None:
        self._confirms = confirms
        self._earlier = earlier
        self._done = False
        self.unclear = False

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self.unclear

    def set_result(self, _: Any) -> None:
        self._settle(None)

    def set_exception(self, error: BaseException) -> None:
        if self._earlier is not None and not self._earlier.done():
            self._earlier.unclear = True
            self._earlier.set_exception(error)
        self._settle(error)

    def _settle(self, refused: BaseException | None) -> None:
        self._done = True
        self._earlier = None  # or a chain of them would be kept
        self._confirms.settle(refused)
