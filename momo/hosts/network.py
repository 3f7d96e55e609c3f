"""Network namespaces as hosts: each with an address of its own on one bridge, and a cable that can be pulled."""

from __future__ import annotations

import asyncio
import fcntl
import ipaddress
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from momo.local.place import Place
from momo.local.server import LocalError, search_path

NETWORKS = list(ipaddress.IPv4Network("198.18.0.0/15").subnets(new_prefix=24))
"""That range is for tests of networks and nobody's (RFC 2544); a run has one of its networks, by number."""
LOCKS = Path("/run/momo-hosts")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace. `cable` is the bridge's end of its link, `place` what a process there needs to know."""

    name: str
    cable: str
    place: Place

    async def cut(self) -> None:
        """Pulls the cable: whatever is sent to it or by it goes nowhere, and nobody is told."""
        await _ip([f"link set {self.cable} down"])

    async def heal(self) -> None:
        await _ip([f"link set {self.cable} up"])


@asynccontextmanager
async def network(names: Sequence[str]) -> AsyncIterator[list[Host]]:
    """Hosts called `names` for the length of a block; this process reaches them too. Raises LocalError where namespaces
    can't be made. What runs that were killed have left behind is removed."""
    if reason := unable():
        raise LocalError(reason)
    number, lock = _taken()
    try:
        hosts = [_host(number, rank, name) for rank, name in enumerate(names)]
        await _remove(number)
        await _remove_abandoned()
        await _ip(_bridge(number))
        for host in hosts:
            await _ip(_link(number, host))
        try:
            yield hosts
        finally:
            await _remove(number)
    finally:
        os.close(lock)


def unable() -> str:
    """Why this machine can't have hosts; empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root: run this as root"
    if shutil.which("ip", path=search_path()) is None:
        return "ip is not installed: install iproute2"
    return ""


def _taken() -> tuple[int, int]:
    """A network's number that no living run has, and the lock that keeps it ours while this process lives."""
    LOCKS.mkdir(exist_ok=True)
    for number in range(len(NETWORKS)):
        with suppress(BlockingIOError):
            return number, _lock(number)
    raise LocalError(f"every network of {NETWORKS[0]} to {NETWORKS[-1]} is in use")


async def _remove_abandoned() -> None:
    """All of runs that have died."""
    for number in [int(file.name) for file in LOCKS.iterdir()]:  # noqa: ASYNC240  # in memory
        with suppress(BlockingIOError):
            lock = _lock(number)
            try:
                await _remove(number)
            finally:
                os.close(lock)


def _lock(number: int) -> int:
    lock = os.open(LOCKS / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    return lock


def _host(number: int, rank: int, name: str) -> Host:
    namespace = f"{_prefix(number)}-{name}"
    address = str(NETWORKS[number][rank + 11])
    place = Place(address, (shutil.which("ip", path=search_path()) or "ip", "netns", "exec", namespace))
    return Host(name=namespace, cable=f"m{number}-{rank}", place=place)


def _prefix(number: int) -> str:
    return f"momo-{number}"


def _bridge(number: int) -> list[str]:
    bridge = _prefix(number)
    return [
        f"link add {bridge} type bridge forward_delay 0",
        f"address add {NETWORKS[number][1]}/24 dev {bridge}",
        f"link set {bridge} up",
    ]


def _link(number: int, host: Host) -> list[str]:
    return [
        f"netns add {host.name}",
        f"link add {host.cable} type veth peer name eth0 netns {host.name}",
        f"link set {host.cable} master {_prefix(number)} up",
        f"-n {host.name} address add {host.place.address}/24 dev eth0",
        f"-n {host.name} link set lo up",
        f"-n {host.name} link set eth0 up",
    ]


async def _remove(number: int) -> None:
    """Removes all that is there of a run."""
    spaces = [line.split()[0] for line in (await _ip(["netns list"])).splitlines()]
    links = [line.split(":")[1].split("@")[0].strip() for line in (await _ip(["-o link show"])).splitlines()]
    ours = _prefix(number)
    await _ip(f"link delete {link}" for link in links if link == ours or link.startswith(f"m{number}-"))
    await _ip(f"netns delete {space}" for space in spaces if space.startswith(f"{ours}-"))


async def _ip(lines: Iterable[str]) -> str:
    """Runs `ip` for each of `lines`; what it said. Raises LocalError where one fails."""
    said = []
    for line in lines:
        ip = await asyncio.create_subprocess_exec(
            "ip", *line.split(), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env={"PATH": search_path()}
        )
        told = (await ip.communicate())[0].decode(errors="replace").strip()
        if ip.returncode:
            raise LocalError(f"ip {line} failed: {told}")
        said.append(told)
    return "\n".join(said)
