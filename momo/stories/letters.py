"""What the broker itself has made dead letters, of which no service knows: looked for where a story stands still."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiormq.exceptions import AMQPError

from contracts.topology import QUEUES
from momo.broker.delivery import named
from momo.dlq.errors import Busy
from momo.dlq.holding import connection, holding
from momo.dlq.secrets import redacted_text

LOOKED_AT = 1_000
"""Letters of a queue, the oldest."""


class Letters:
    """Looks into dead-letter queues of the broker at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, queues: Collection[str]) -> tuple[Mapping[tuple[bytes, str], str], list[str]]:
        """Why the messages died that lie in the dead-letter queues of `queues`, by id and queue; and the names of
        those that can't be looked into."""
        found: dict[tuple[bytes, str], str] = {}
        unseen: list[str] = []
        wanted = [queue for queue in QUEUES if queue.name in queues]
        try:
            async with connection(self._url) as opened:
                looking = await opened.channel(publisher_confirms=False)
                for queue in wanted:
                    try:
                        declared = await looking.queue_declare(queue.dead_letter_queue, passive=True, timeout=10)
                        if not declared.message_count:
                            continue
                        async with holding(opened, queue) as held:
                            async for letter, _ in held.letters(LOOKED_AT):
                                why = ": ".join(text for text in (letter.reason, redacted_text(letter.error)) if text)
                                found[named(queue, letter.id), queue.name] = why
                    except (AMQPError, Busy):
                        unseen.append(queue.dead_letter_queue)
        except (AMQPError, OSError, RuntimeError, TimeoutError):
            unseen.append("the broker")
        return found, unseen
