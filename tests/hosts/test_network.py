"""Hosts reach each other by their addresses, a cut one is out of reach, and nothing is left of any of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE

import pytest

from momo.hosts.network import Host, network
from momo.local.server import LocalError
from tests.hosts.conftest import needs_hosts
from tests.waiting import eventually

LISTEN = "import socket, sys; s = socket.create_server((sys.argv[1], 7000)); print('up', flush=True); s.accept()"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 7000), 0.5)"


async def said(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
    return (await process.communicate())[0].decode()


async def reaches(host: Host, other: Host) -> bool:
    words = (*host.place.within, sys.executable, "-c", CONNECT, other.place.address)
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait() == 0


@needs_hosts
async def test_a_cable_that_is_pulled_parts_a_host_from_the_others() -> None:
    async with network(["a", "b"]) as [first, second]:
        words = (*first.place.within, sys.executable, "-c", LISTEN, first.place.address)
        for cut in (False, True):
            listening = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
            assert listening.stdout is not None
            await listening.stdout.readline()
            await (first.cut() if cut else first.heal())
            assert await reaches(second, first) is not cut
            if cut:
                await first.heal()
                await eventually(lambda: reaches(second, first))
            await listening.wait()
        name = first.name
        assert name in await said("ip", "netns", "list")
    assert name not in await said("ip", "netns", "list")
    assert first.cable not in await said("ip", "link")


@needs_hosts
async def test_what_a_killed_run_left_is_removed_by_the_next_and_a_living_one_s_stays() -> None:
    code = (
        "import asyncio\nfrom momo.hosts.network import network\n"
        "async def main():\n    async with network(['x']) as [host]:\n        print(host.name, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    runs = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE) for _ in range(2)]
    names = []
    for run in runs:
        assert run.stdout is not None
        names.append((await run.stdout.readline()).decode().strip())
    try:
        os.kill(runs[0].pid, signal.SIGKILL)
        await runs[0].wait()
        assert names[0] in await said("ip", "netns", "list")
        async with network(["y"]) as [host]:
            listed = {line.split()[0] for line in (await said("ip", "netns", "list")).splitlines()}
            assert names[0] not in listed
            assert {names[1], host.name} <= listed
    finally:
        os.kill(runs[1].pid, signal.SIGKILL)
        await runs[1].wait()
    async with network([]):
        assert names[1] not in await said("ip", "netns", "list")


async def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LocalError, match="network namespaces need root: run this as root"):
        async with network(["a"]):
            pass


async def test_a_missing_ip_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(LocalError, match="ip is not installed: install iproute2"):
        async with network(["a"]):
            pass
