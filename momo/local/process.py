"""Starting the processes of a private MOMO so that none of them outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from typing import IO

PR_SET_PDEATHSIG = 1
LIVE: dict[int, Process] = {}
"""Every process started here that has not been waited for, by process id."""

_prctl: Callable[..., int] | None = getattr(ctypes.CDLL(None), "prctl", None)


async def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    *,
    keep_open: Sequence[int] = (),
    orphaned: signal.Signals = signal.SIGKILL,
) -> Process:
    """Start `argv` in a session of its own, with stdout and stderr on `output`. Raises OSError when it can't be run.

    Ctrl-C in the terminal does not reach it, and on Linux the kernel sends it `orphaned` when this process dies,
    however it dies. `keep_open` are file descriptors that the process inherits.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(keep_open),
        preexec_fn=_die_with(os.getpid(), orphaned),
    )
    LIVE[process.pid] = process
    return process


async def finish(process: Process, grace: float) -> int:
    """End `process` by SIGTERM, and after `grace` seconds by SIGKILL to its whole session; its return code."""
    try:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        kill(process)
        await process.wait()
    except asyncio.CancelledError:
        kill(process)
        raise
    return reap(process)


def kill(process: Process) -> None:
    """SIGKILL `process` and what it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_all() -> None:
    """SIGKILL everything that was started here and still runs."""
    for process in list(LIVE.values()):
        kill(process)


def reap(process: Process) -> int:
    """Forget an ended process, kill what it left behind in its session, and give its return code."""
    if LIVE.pop(process.pid, None) is not None:
        kill(process)
    return -1 if process.returncode is None else process.returncode


def how_it_ended(code: int) -> str:
    """A return code in words: `exit code 1`, `SIGKILL`."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _die_with(parent: int, orphaned: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, orphaned)
            if os.getppid() != parent:  # it died before the kernel was told
                os.kill(os.getpid(), signal.SIGKILL)

    return prepare
