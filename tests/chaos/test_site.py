"""A site starts whole, says what is amiss, and keeps its processes running on their ports."""

from __future__ import annotations

import sys
from pathlib import Path

import aiohttp
import pytest

from momo.chaos.child import Child
from momo.chaos.members import Unsettled
from momo.chaos.ports import HIGHEST, LOWEST, lasting_ports
from momo.chaos.site import Site
from momo.local.ports import is_free
from momo.local.server import LocalError
from tests.waiting import eventually


async def test_a_site_has_every_process_and_each_reaches_the_servers_by_its_wires(site: Site) -> None:
    assert sorted(child.name for child in site.members) == [
        "gateway-1", "gateway-2", "relay-1", "relay-2", "worker-1", "worker-2",
    ]  # fmt: skip
    assert set((await site.consumers()).values()) == {2}
    for name in ("amqp", "mysql", "redis"):
        assert site.proxies[name].sources, f"nobody uses the wire to {name}"
    async with aiohttp.ClientSession() as http:
        for gateway in site.gateways:
            async with http.get(f"{gateway}/health/ready") as answer:
                assert (await answer.json())["ready"] is True


async def test_a_child_that_is_killed_comes_back_as_another_process_on_its_port(site: Site) -> None:
    gateway = site.role("gateway")[0]
    before, address = gateway.pid, site.gateways[0]
    await site.kill(gateway)
    assert any(gateway.name in line for line in await site.amiss())
    await site.settled(30)
    assert gateway.pid not in {None, before}
    assert site.gateways[0] == address


async def test_a_child_that_is_stopped_stays_away_until_it_is_started(site: Site) -> None:
    relay = site.role("relay")[0]
    assert await site.stop(relay) == 0
    assert relay.pid is None
    with pytest.raises(Unsettled, match="relay-1 does not run"):
        await site.settled(0.5)
    await site.start(relay)
    with pytest.raises(LocalError, match="relay-1 was started already"):
        await site.start(relay)
    await site.settled(30)


async def test_a_worker_that_is_missing_is_missed_at_every_queue(site: Site) -> None:
    worker = site.role("worker")[1]
    await site.stop(worker)
    site.members.remove(worker)
    try:
        await site.settled(10)
        site.members.append(worker)
        assert await site.amiss() == ["worker-2 does not run"]
    finally:
        if worker not in site.members:
            site.members.append(worker)
        await site.start(worker)
    await site.settled(30)


async def test_a_child_that_keeps_dying_is_started_again_each_time(tmp_path: Path) -> None:
    child = Child("dying", "worker", [sys.executable, "-c", "print('up')"], {}, "http://127.0.0.1:9/", tmp_path / "log")
    await child.start()
    await eventually(lambda: child.lives == 4)
    await child.stop(1)
    assert child.pid is None
    assert child.log.read_text().startswith("up\n" * 3)


def test_ports_are_apart_from_those_of_outgoing_connections() -> None:
    ports = lasting_ports()
    taken = [next(ports) for _ in range(20)]
    assert len(set(taken)) == 20
    assert all(LOWEST <= port < HIGHEST and is_free(port) for port in taken)
