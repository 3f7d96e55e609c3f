"""Runs an image's processes as a container would: root of its own and read-only, /tmp in memory, no capabilities."""

# ruff: noqa: INP001, S603 - a part of a program that runs others
from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY_SECONDS = 30.0
STOP_SECONDS = 15.0
_ENTER = """
root=$1; shift
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
exec chroot "$root" "$@"
"""
"""Run in mount and process namespaces of its own, so that what follows is process 1 and leaves no mount behind."""


class Container:
    """What a container of one image would run: `config` is the image's, `root` its files."""

    def __init__(self, root: Path, config: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self._root = root
        self._config = config
        self._environment = [*config["Env"], *(f"{name}={value}" for name, value in variables.items())]

    @property
    def command(self) -> list[str]:
        """The image's words, where none are given."""
        return list(self._config["Cmd"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a process with these words prints, and how it ends."""
        return subprocess.run(self._outside(words), check=False, capture_output=True, text=True, timeout=60)

    @contextmanager
    def started(self, *words: str) -> Iterator[Process]:
        """A process with these words, until the block ends."""
        with tempfile.TemporaryFile("w+") as said, subprocess.Popen(self._outside(words), stderr=said) as outer:
            try:
                yield Process(outer, self._inside())
            except BaseException as error:
                said.seek(0)
                error.add_note(said.read()[-1000:])
                raise
            finally:
                outer.kill()  # and with it what it runs

    def _outside(self, words: Sequence[str]) -> list[str]:
        argv = [*self._inside(), *self._config["Entrypoint"], *words]
        enter = ["sh", "-euc", _ENTER, "enter", str(self._root), *argv]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *enter]

    def _inside(self) -> list[str]:
        uid, _, gid = self._config["User"].partition(":")
        bare = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", *bare, "env", "-i", *self._environment]


class Process:
    """Process 1 of a container."""

    def __init__(self, outer: subprocess.Popen[bytes], inside: Sequence[str]) -> None:
        self._outer = outer
        self._inside = inside
        self._began = time.monotonic()

    @property
    def pid(self) -> int:
        """As this machine sees it."""
        return int(Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()[0])

    def until_ready(self, port: int) -> float:
        """Seconds from its start until `port` said so. Raises TimeoutError, or ChildProcessError where it ended."""
        while True:
            seconds = time.monotonic() - self._began
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
                    return seconds
            except (urllib.error.URLError, OSError):
                if self._outer.poll() is not None:
                    raise ChildProcessError(f"it ended with {self._outer.returncode} before it was ready") from None
                if seconds > READY_SECONDS:
                    raise TimeoutError(f"not ready after {READY_SECONDS:g} s") from None
            time.sleep(0.01)

    def cpu(self) -> float:
        """Seconds of a processor that it has taken."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def healthy(self, test: Sequence[str]) -> bool:
        """Whether the image's health check, run beside it as Docker would, says so."""
        kind, *words = test
        assert kind == "CMD", test
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", "--wd=/"]
        return subprocess.run([*enter, *self._inside, *words], check=False, capture_output=True).returncode == 0

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def status(self) -> dict[str, str]:
        """/proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def mounts(self) -> dict[str, set[str]]:
        """Options of each mount that it sees, by where it is."""
        lines = Path(f"/proc/{self.pid}/mounts").read_text().splitlines()
        return {where: set(options.split(",")) for _, where, _, options, *_ in map(str.split, lines)}

    def stop(self) -> tuple[int, float]:
        """SIGTERM, as an engine sends it: the exit code, and the seconds it took. Raises TimeoutExpired."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        return self._outer.wait(STOP_SECONDS), time.monotonic() - began
