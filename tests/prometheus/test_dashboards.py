"""The dashboards as files: what the code makes of the topology, and whole."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from contracts.topology import QUEUES
from momo.cli import main
from momo.dashboards.files import files
from momo.local.up import _processes
from momo.settings import DATABASES
from tests.prometheus.committed import DASHBOARDS, PROMETHEUS


def test_the_committed_dashboards_are_what_the_code_makes() -> None:
    committed = {path.name: path.read_text() for path in DASHBOARDS.iterdir()}
    assert committed == files(), "run `momo dashboards` and commit what it writes"


def test_the_command_writes_them_where_it_is_told(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["dashboards", "--folder", str(tmp_path / "new")])
    assert answer.exit_code == 0, answer.output
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == files()
    assert len(answer.output.splitlines()) == len(files())


@pytest.fixture(params=sorted(files()))
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files()[request.param])
    return found


def test_panels_have_numbers_of_their_own_and_do_not_overlap(board: dict[str, Any]) -> None:
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        own = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert place["x"] + place["w"] <= 24
        assert not cells & own, panel["title"]
        cells |= own


def test_each_panel_says_what_it_shows_and_in_which_unit(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"]
            legends = [target["legendFormat"] for target in panel["targets"]]
            assert panel["type"] == "stat" or "__auto" not in legends, panel["title"]


def test_each_panel_asks_the_data_source_that_is_provisioned(board: dict[str, Any]) -> None:
    folder = DASHBOARDS.parent / "provisioning" / "datasources"
    [source] = yaml.safe_load((folder / "prometheus.yml").read_text())["datasources"]
    asked = {target["datasource"]["uid"] for panel in board["panels"] for target in panel.get("targets", [])}
    assert asked == {source["uid"]}


def test_every_queue_and_service_can_be_chosen() -> None:
    def options(name: str) -> list[tuple[str, str]]:
        [variable] = json.loads(files()[name])["templating"]["list"]
        return [(option["text"], option["value"]) for option in variable["options"]]

    assert options("queue.json") == [(queue.stem, queue.name) for queue in QUEUES]
    assert [text for text, _ in options("service.json")] == list(DATABASES)
    served = [name for _, value in options("service.json") for name in value.split("|")]
    assert sorted(served) == sorted(queue.name for queue in QUEUES)


def test_the_ports_that_prometheus_asks_are_those_of_a_whole_momo_told_so() -> None:
    asked = [
        target
        for job in ("worker", "relay")
        for group in yaml.safe_load((PROMETHEUS / "targets" / f"{job}.yml").read_text())
        for target in group["targets"]
    ]
    children = _processes({"MOMO_METRICS_PORT": "9101"}, sandbox=False)
    ports = [child.env["MOMO_METRICS_PORT"] for child in children if child.name != "gateway"]
    assert asked == [f"127.0.0.1:{port}" for port in ports]
    silent = _processes({"MOMO_METRICS_PORT": "0"}, sandbox=True)
    assert {child.env["MOMO_METRICS_PORT"] for child in silent} == {"0"}
