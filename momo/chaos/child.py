"""One process of a MOMO under test: kept running with a back-off until it is told to stop, however it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from momo.local import process
from momo.local.server import LocalError
from momo.stopping import rest

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
SETTLED_AFTER = 10.0
"""Seconds of life after which a death is not counted together with those before it."""


class Child:
    """Runs `argv` with exactly `environment`; its output is appended to `log`.

    `role` is `gateway`, `worker`, `relay` or `toss-sandbox`, `ready_url` answers 200 while it does its work.
    """

    def __init__(  # noqa: PLR0917
        self, name: str, role: str, argv: Sequence[str], environment: Mapping[str, str], ready_url: str, log: Path
    ) -> None:
        self.name = name
        self.role = role
        self.argv = argv
        self.ready_url = ready_url
        self.log = log
        self.lives = 0
        """How often it was started."""
        self._environment = environment
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Its process, or None while there is none."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def start(self, argv: Sequence[str] | None = None) -> None:
        """Starts it, with another command line if one is given. Raises LocalError where it can't be run."""
        if self._keeper is not None:
            raise LocalError(f"{self.name} was started already")
        self._stopping.clear()
        await self._spawn(argv or self.argv)
        self._keeper = asyncio.create_task(self._keep(argv or self.argv), name=self.name)

    async def kill(self) -> None:
        """SIGKILL; it is started again after the back-off."""
        running = self._process
        if running is not None and running.returncode is None:
            process.kill(running)
            await running.wait()

    async def stop(self, grace: float) -> int:
        """SIGTERM, after `grace` seconds SIGKILL; its return code. It stays away until `start`."""
        self._stopping.set()
        code = 0
        if self._process is not None and self._process.returncode is None:
            code = await process.finish(self._process, grace)
        if self._keeper is not None:
            await self._keeper
            self._keeper = None
        return code

    def freeze(self) -> None:
        """SIGSTOP: it holds everything and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, which)

    async def _spawn(self, argv: Sequence[str]) -> None:
        with self.log.open("ab") as output:
            try:
                self._process = await process.spawn(argv, self._environment, output)
            except OSError as error:
                raise LocalError(f"{self.name} can't be run: {error}") from error
        self.lives += 1

    async def _keep(self, argv: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while self._process is not None:
            born = loop.time()
            await self._process.wait()
            process.reap(self._process)
            delay = FIRST_DELAY if loop.time() - born > SETTLED_AFTER else min(LONGEST_DELAY, delay * 2)
            await rest(self._stopping, delay)
            if self._stopping.is_set():
                return
            await self._spawn(argv)
