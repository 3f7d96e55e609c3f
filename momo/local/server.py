"""What the private servers share: finding the program, starting it, knowing that it answers, ending it."""

from __future__ import annotations

import abc
import asyncio
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from momo.local import process
from momo.local.place import HERE, Place

PROGRAM_FOLDERS = (
    "/usr/lib/rabbitmq/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/opt/homebrew/bin",
)
"""Searched before PATH: Debian keeps servers in sbin, and its /usr/sbin/rabbitmq-server insists on its own user."""


class LocalError(Exception):
    """A private MOMO can't run; the text is one line that says why and what to do."""


def search_path() -> str:
    """Where servers' programs are looked for, as a PATH."""
    return os.pathsep.join((*PROGRAM_FOLDERS, os.environ.get("PATH", os.defpath)))


class Server(abc.ABC):
    """One private server with its data in a folder. The same object can be stopped and started again."""

    name: ClassVar[str]
    package: ClassVar[str]
    """The distribution's package, for the advice when a program is missing."""
    start_seconds: ClassVar[float] = 30.0
    stop_seconds: ClassVar[float] = 4.0
    port: int
    """Where clients connect, at the address of its place."""

    def __init__(
        self, folder: Path, *, path: str | None = None, keep_open: Sequence[int] = (), place: Place = HERE
    ) -> None:
        """`path` replaces the search path for programs; `keep_open` are descriptors that the server inherits."""
        self.folder = folder.absolute() / self.name
        self.log = self.folder / "server.log"
        self.earlier_log = self.folder / "server.log.1"
        """What it said before it was last started."""
        self._path = search_path() if path is None else path
        self._keep_open = keep_open
        self.place = place
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, or None while it is not started."""
        return None if self._process is None else self._process.pid

    @abc.abstractmethod
    def argv(self) -> Sequence[str]:
        """The command line."""

    def environment(self) -> Mapping[str, str]:
        """What the server needs beside PATH."""
        return {}

    async def prepare(self) -> None:
        """Write configuration and first data; called before each start. Raises LocalError."""
        self.argv()  # names what is missing before anything is written

    @abc.abstractmethod
    async def probe(self) -> None:
        """Speak the server's protocol once. Raises OSError while it does not answer."""

    async def start(self) -> None:
        """Start the server and return once it answers. Raises LocalError when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.earlier_log)
        try:
            await self.prepare()
            self._process = await self.run(*self.argv())
            async with asyncio.timeout(self.start_seconds):
                await self._answers(self._process)
        except TimeoutError:
            await self.kill()
            raise LocalError(
                f"{self.name} did not answer within {self.start_seconds:.0f} s: {self.last_words()}"
            ) from None
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End the server in order; after `stop_seconds` by force. Its data survive both."""
        await self._end(self.stop_seconds)

    async def kill(self) -> None:
        """End the server at once, as a crash would. RabbitMQ may lose a quorum queue declared within the last 3 s."""
        if self._process is not None:
            process.kill(self._process)
        await self._end(0)

    async def ended(self) -> str:
        """Wait for the server's process to end; how it ended, in words."""
        if self._process is None:
            return "it was not started"
        return process.how_it_ended(await self._process.wait())

    async def run(self, *argv: str) -> Process:
        """Start a program of this server with its output in the log. Raises LocalError when it can't be run."""
        with self.log.open("ab") as output:
            environment = {"PATH": self._path, "LANG": "C.UTF-8", **self.environment()}
            # Orphans end in order: RabbitMQ forgets a quorum queue that it was told of less than 3 s before a SIGKILL.
            words = (*self.place.within, *argv)
            return await process.spawn(words, environment, output, keep_open=self._keep_open, orphaned=signal.SIGTERM)

    def program(self, *names: str) -> str:
        """The path of the first of `names` that is installed. Raises LocalError that names the package."""
        for name in names:
            if found := shutil.which(name, path=self._path):
                return found
        raise LocalError(f"{names[0]} is not installed: run `make setup` or install {self.package}")

    def last_words(self) -> str:
        """The end of the log on one line, with the log's path."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        said = " | ".join(line.strip() for line in lines if line.strip())[-600:]
        return f"{said or 'it said nothing'} (all of it in {self.log})"

    async def _answers(self, started: Process) -> None:
        while True:
            if started.returncode is not None:
                how = process.how_it_ended(started.returncode)
                raise LocalError(f"{self.name} ended with {how} while starting: {self.last_words()}")
            try:
                async with asyncio.timeout(5):
                    _, writer = await asyncio.open_connection(self.place.address, self.port)  # clients log each refusal
                    writer.close()
                    return await self.probe()
            except OSError:  # includes the inner timeout: a half-started server may accept and then keep silent
                await asyncio.sleep(0.05)

    async def _end(self, grace: float) -> None:
        if self._process is not None:
            await process.finish(self._process, grace)
            self._process = None
