"""Many members with an open WebSocket each, as a process of its own: opens them, then reports what they were told.

Started as `python -m momo.bench.crowd ADDRESS FIRST COUNT`. Says one JSON line when all are open, and one for each line
that it is given: a number of notices to wait for.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial

import msgspec

from momo.bench.lines import host_and_port
from momo.bench.listener import Listener, handshake
from momo.bench.timing import quiet
from momo.gateway.tokens import Member, Tokens
from momo.settings import load

AT_ONCE = 100
PATIENCE = 60.0


class Report(msgspec.Struct, kw_only=True):
    """`times` in seconds from when each notice was due to its arrival; `last` in Unix time. `lost` says how many
    sockets the server has closed, and `why`."""

    times: list[float]
    last: float = 0.0
    lost: int = 0
    why: str = ""


class Crowd:
    """The open sockets, and what they have heard since the last report."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._report = Report(times=[])
        self._wanted = 0
        self._enough = asyncio.Event()

    async def open(self, address: str, first: int, count: int) -> None:
        """Raises TimeoutError where one does not open."""
        host, port = host_and_port(address)
        tokens = Tokens(load().token_secret)
        loop = asyncio.get_running_loop()
        members = iter(range(first, first + count))

        async def enter() -> None:
            for member in members:
                token = tokens.sign(Member(member_id=member, nickname=f"m{member}", role="member"))
                request = handshake(f"/api/v2/notifications/stream?after=0&access_token={token}")
                listener = Listener(request, self._told, self._lost)
                await loop.create_connection(partial(_same, listener), host, port)
                self._listeners.append(listener)
                async with asyncio.timeout(PATIENCE):
                    await listener.open.wait()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(enter())

    async def heard(self, count: int) -> Report:
        """What was heard since the last report, once it is `count` notices, or after a minute."""
        self._wanted = count
        self._enough.clear()
        if len(self._report.times) < count:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._enough.wait()
            except TimeoutError:
                self._report.why += f" {len(self._report.times)} of {count} notices came"
        report, self._report = self._report, Report(times=[])
        return report

    def _told(self, due: float) -> None:
        now = time.time()
        self._report.times.append(now - due)
        self._report.last = now
        if len(self._report.times) >= self._wanted:
            self._enough.set()

    def _lost(self, why: str) -> None:
        self._report.lost += 1
        self._report.why = why


def _same(listener: Listener) -> Listener:
    return listener


async def main(address: str, first: int, count: int) -> None:
    """Until its input ends."""
    crowd = Crowd()
    await crowd.open(address, first, count)
    say(Report(times=[]))
    with quiet():
        while line := await asyncio.to_thread(sys.stdin.readline):
            say(await crowd.heard(int(line)))


def say(report: Report) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
