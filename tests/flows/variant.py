"""`python -m tests.flows.variant KIND COMMAND…`: a MOMO that is broken, or burdened, on purpose.

`doubled` publishes every message twice. `unlocked` reads records without a row lock, and is slow to write them back.
`forgetful` decides again what the inbox knows. `unstored` keeps nothing in the outbox, and is slow to publish.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from momo.actors import inbox, outbox
from momo.actors.record import Values
from momo.broker.envelope import Envelope
from momo.broker.publisher import Publisher
from momo.cli import main
from momo.store.connection import Connection, Rows
from momo.store.rows import Table


def doubled() -> None:
    publish = Publisher.publish

    async def twice(self: Publisher, envelopes: Sequence[Envelope], **options: Any) -> None:
        await publish(self, [copy for envelope in envelopes for copy in (envelope, envelope)], **options)

    Publisher.publish = twice  # type: ignore[method-assign]


def unlocked() -> None:
    lock, script = Table.lock, Connection.script

    def read(self: Table, columns: tuple[str, ...], keys: Iterable[Values]) -> str:
        return lock(self, columns, keys).removesuffix(" FOR UPDATE")

    async def write_late(self: Connection, statements: Sequence[str]) -> list[Rows]:
        if statements[-1] == "COMMIT":
            await asyncio.sleep(0.05)
        return await script(self, statements)

    Table.lock = read  # type: ignore[method-assign]
    Connection.script = write_late  # type: ignore[method-assign]


def forgetful() -> None:
    inbox.Entry.settles = lambda *_: False  # type: ignore[method-assign]


def unstored() -> None:
    publish = Publisher.publish

    async def late(self: Publisher, envelopes: Sequence[Envelope], **options: Any) -> None:
        await asyncio.sleep(0.2)
        await publish(self, envelopes, **options)

    outbox.write = lambda *_: "DO 0"
    Publisher.publish = late  # type: ignore[method-assign]


VARIANTS: dict[str, Callable[[], None]] = {
    "doubled": doubled,
    "unlocked": unlocked,
    "forgetful": forgetful,
    "unstored": unstored,
}

if __name__ == "__main__":
    VARIANTS[sys.argv.pop(1)]()
    main()
