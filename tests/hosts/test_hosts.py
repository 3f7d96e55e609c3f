"""A whole MOMO on five hosts under load: a node killed, a host cut off, a database promoted, and a ledger compared."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from momo.chaos.ports import lasting_ports
from momo.chaos.rig import rigged
from momo.chaos.run import chosen
from momo.cli import main
from momo.hosts import cluster, faults
from momo.hosts.ground import HOSTS
from momo.hosts.network import network
from momo.hosts.site import PORTS, open_hosts
from momo.local.ports import Ports
from momo.local.servers import running
from tests.hosts.conftest import needs_hosts

BACK_WITHIN = 30.0
MINORITY = "Cluster minority/secondary status detected"


@needs_hosts
@pytest.mark.timeout(300)
async def test_losing_a_node_a_host_and_a_database_loses_doubles_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "CUT_SECONDS", 16.0)
    chance = random.Random(9)
    async with (
        open_hosts(tmp_path) as site,
        rigged(site.settings, site.gateways, seed=9, size=HOSTS.size) as rig,
    ):
        first = site.pair.leader
        leading = await site.cluster.leading()
        assert len(leading) == len(site.cluster.nodes), "one node leads every queue"
        await rig.begin()
        for strike in HOSTS.faults.values():
            await rig.poison()
            await strike(site, chance)
            await site.settled(BACK_WITHIN)
        assert site.pair.follower is first
        assert any(MINORITY in said(node) for node in site.cluster.nodes), "no node was cut off"
        assert await rig.end(60.0) == []
        assert set(site.back) == set(HOSTS.faults)
        assert max(site.back.values()) < BACK_WITHIN, site.back
        assert rig.book.accepted > 300


@needs_hosts
async def test_a_node_that_hangs_after_it_was_cut_off_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "REJOIN_SECONDS", 3.0)
    ports = Ports(tmp_path, dict(zip(PORTS, lasting_ports(), strict=False)))
    async with network("abc") as hosts:
        for host in hosts:
            (tmp_path / host.name).mkdir()
        together = cluster.Cluster(tmp_path, ports, hosts)
        async with running(together.nodes):
            await together.formed()
            one = together.nodes[1]
            before = one.pid
            await together.rejoin(one)
            assert one.pid == before, "a node that does its work was restarted"
            assert before is not None
            os.kill(before, signal.SIGSTOP)
            await together.rejoin(one)
            await together.formed()
            assert one.pid != before


def said(node: cluster.Node) -> str:
    """Its log, and the one before its last start: a node that hung after it was cut off has been started again."""
    return "".join(log.read_text() for log in (node.earlier_log, node.log) if log.exists())


def test_faults_of_one_machine_are_none_of_hosts() -> None:
    assert chosen("all", HOSTS) == ["kill-node", "cut-host", "promote"]
    with pytest.raises(ValueError, match="no fault 'kill-worker'; there are: all, kill-node, cut-host, promote"):
        chosen("kill-worker", HOSTS)


def test_the_command_says_what_hosts_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("momo.hosts.network.unable", lambda: "network namespaces need root: run this as root")
    result = CliRunner().invoke(main, ["chaos", "--hosts"])
    assert (result.exit_code, result.stderr) == (2, "momo: network namespaces need root: run this as root\n")
