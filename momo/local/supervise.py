"""Children that are kept running: their output told by name, started again when they die, ended together."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from momo.local import process
from momo.local.server import LocalError
from momo.stopping import rest

LONGEST_LINE = 64 * 1024


class Child(msgspec.Struct, frozen=True):
    """A process to keep running: what it is called, its command line, its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]


class Supervisor:
    """Keeps children running. `say` takes one line of text; delays are in seconds.

    A child that dies waits `first_delay` before it is started again, twice as long after each further death up to
    `longest_delay`, and `first_delay` again once it has lived for `settled_after`.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        first_delay: float = 0.5,
        longest_delay: float = 10.0,
        settled_after: float = 30.0,
    ) -> None:
        self.deaths: dict[str, int] = {}
        """How often each child has died since it last settled."""
        self.last_line: dict[str, str] = {}
        """The last line that each child wrote."""
        self._say = say
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._settled_after = settled_after
        self._running: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def start(self, child: Child) -> None:
        """Start `child` and keep it running until `stop`."""
        self._tasks.add(asyncio.create_task(self._keep(child), name=child.name))

    async def run(self, child: Child) -> None:
        """Run `child` once to its end. Raises LocalError with its last lines when it fails."""
        said: deque[str] = deque(maxlen=6)
        started = await process.spawn(child.argv, child.env, PIPE)
        try:
            async for line in _lines(started):
                said.append(line.strip())
                self._say(f"{child.name} | {line}")
            code = await started.wait()
        finally:
            process.reap(started)
        if code:
            raise LocalError(f"{child.name} ended with {process.how_it_ended(code)}: {' | '.join(said) or 'no output'}")

    async def stop(self, grace: float) -> None:
        """SIGTERM to all children at once; SIGKILL to those that still run after `grace` seconds."""
        self._stopping.set()
        await asyncio.gather(*(process.finish(child, grace) for child in self._running.values()))
        # Their output is read to its end meanwhile: a child that can't write its last lines would not end.
        if self._tasks:
            _, silent = await asyncio.wait(self._tasks, timeout=1.0)
            for task in silent:
                task.cancel()

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            born = loop.time()
            how = await self._live(child)
            if self._stopping.is_set():
                return
            if loop.time() - born >= self._settled_after:
                self.deaths[child.name] = 0
            deaths = self.deaths[child.name] = self.deaths.get(child.name, 0) + 1
            delay = min(self._longest_delay, self._first_delay * 2 ** min(deaths - 1, 30))
            self._say(f"{child.name} ended with {how}; starting it again in {delay:g} s")
            await rest(self._stopping, delay)

    async def _live(self, child: Child) -> str:
        try:
            started = await process.spawn(child.argv, child.env, PIPE)
        except OSError as error:
            return str(error)
        if self._stopping.is_set():
            process.kill(started)
        self._running[child.name] = started
        async for line in _lines(started):
            self.last_line[child.name] = line.strip()
            self._say(f"{child.name} | {line}")
        code = await started.wait()
        process.reap(started)
        del self._running[child.name]
        return process.how_it_ended(code)


async def _lines(started: Process) -> AsyncIterator[str]:
    """What `started` writes, line by line until it closes its output; a longer line comes in pieces."""
    if started.stdout is None:
        return
    rest = b""
    while block := await started.stdout.read(LONGEST_LINE):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
        if len(rest) >= LONGEST_LINE:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace")
