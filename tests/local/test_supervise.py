"""Children are kept running, told by name, and gone when their supervisor is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from momo.local.server import LocalError
from momo.local.supervise import Child, Supervisor

OBEDIENT = "import signal, sys; print('up', flush=True); signal.sigwait([signal.SIGTERM]); print('bye', flush=True)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
CHATTY_AT_THE_END = (
    "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); print('up', flush=True);"
    "signal.sigwait([signal.SIGTERM]); [print('x' * 99) for _ in range(20000)]; print('done', flush=True)"
)
ORPHANER = """
import asyncio, os, sys
from pathlib import Path
from momo.local.ports import Ports
from momo.local.servers import private_servers
from momo.local.supervise import Child, Supervisor

async def main():
    async with private_servers(Path(sys.argv[1])):
        Supervisor(print).start(Child("sleeper", ["sleep", "600"], {**os.environ, "MARK": sys.argv[1]}))
        await asyncio.sleep(0.3)
        print("up", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def python(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-c", code], os.environ)


async def until(said: list[str], line: str, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while said.count(line) < times:  # noqa: ASYNC110  # what a child says comes when it comes
            await asyncio.sleep(0.01)


async def test_a_dying_child_is_started_again_later_each_time() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append, first_delay=0.01, longest_delay=0.04)
    supervisor.start(python("worker", "print('up'); raise SystemExit(3)"))
    await until(said, "worker | up", times=4)
    await supervisor.stop(1)
    ends = [line for line in said if "ended" in line]
    assert ends[:3] == [
        f"worker ended with exit code 3; starting it again in {delay} s" for delay in (0.01, 0.02, 0.04)
    ]
    assert len(set(ends)) == 3, "the delay stays at the longest"


async def test_a_child_that_lived_long_enough_is_started_again_soon() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append, first_delay=0.01, settled_after=0.0)
    supervisor.start(python("worker", "print('up')"))
    await until(said, "worker | up", times=4)
    await supervisor.stop(1)
    assert {line for line in said if "ended" in line} == {"worker ended with exit code 0; starting it again in 0.01 s"}


async def test_stop_ends_the_obedient_in_order_and_the_stubborn_by_force() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start(
        python(
            "good",
            OBEDIENT.replace("import signal, sys;", "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15]);"),
        )
    )
    supervisor.start(python("bad", STUBBORN))
    await until(said, "good | up")
    await until(said, "bad | up")
    began = time.monotonic()
    await supervisor.stop(0.5)
    assert time.monotonic() - began < 3
    assert "good | bye" in said
    assert not [line for line in said if "starting it again" in line]


async def test_a_child_that_says_much_at_the_end_is_read_to_the_end() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start(python("chatty", CHATTY_AT_THE_END))
    await until(said, "chatty | up")
    await supervisor.stop(10)
    assert said[-1] == "chatty | done"
    assert len(said) == 20002


async def test_stop_does_not_wait_for_a_restart_that_is_due_later() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append, first_delay=60, longest_delay=60)
    supervisor.start(python("worker", "raise SystemExit(1)"))
    await until(said, "worker ended with exit code 1; starting it again in 60 s")
    async with asyncio.timeout(2):
        await supervisor.stop(1)
    assert len(said) == 1


async def test_a_failing_one_shot_is_quoted() -> None:
    supervisor = Supervisor(lambda _: None)
    with pytest.raises(LocalError, match=r"migrate ended with exit code 1: .*no such table"):
        await supervisor.run(python("migrate", "raise SystemExit('no such table')"))


async def test_killing_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ORPHANER,
        str(tmp_path),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while (await process.stdout.readline()).strip() != b"up":
            assert process.returncode is None
    before = processes_of(tmp_path)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert {"beam.smp", "epmd", "mariadbd", "redis-server", "sleep"} <= before
    async with asyncio.timeout(12):
        while left := processes_of(tmp_path):
            assert left
            await asyncio.sleep(0.05)


def processes_of(folder: Path) -> set[str]:
    """The names of the processes that know the folder by command line or environment."""
    names = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            known += os.fsencode((process / "cwd").readlink())  # Redis writes its title over both
            name = (process / "comm").read_text().strip()
        except OSError:
            continue
        if str(folder).encode() in known and "python" not in name and "pytest" not in name:
            names.add(name)
    return names
