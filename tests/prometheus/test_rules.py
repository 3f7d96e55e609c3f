"""The rules by themselves: promtool accepts them, and each alert is tested both ways and says what to do."""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import click
import pytest
import yaml

from momo.cli import main
from tests.prometheus.committed import PROMETHEUS, RULES, TESTS, alerts, operands

RUNBOOK = PROMETHEUS.parents[1] / "docs" / "alerts.md"
NAMES = [alert["alert"] for alert in alerts()]


async def promtool(*words: str | Path) -> tuple[int, str]:
    found = shutil.which("promtool")
    assert found, "promtool is not installed: `make test` installs it with Debian's prometheus"
    started = await asyncio.create_subprocess_exec(found, *words, stdout=PIPE, stderr=STDOUT)
    said, _ = await started.communicate()
    assert started.returncode is not None
    return started.returncode, said.decode()


async def test_promtool_accepts_configuration_and_rules() -> None:
    for what, *files in (("config", PROMETHEUS / "prometheus.yml"), ("rules", *RULES)):
        code, said = await promtool("check", str(what), *map(str, files))
        assert code == 0, said


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
async def test_alerts_fire_within_their_window_and_not_when_all_is_well(file: Path) -> None:
    code, said = await promtool("test", "rules", file)
    assert code == 0, said


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_tested_to_fire_and_to_stay_silent(name: str) -> None:
    about = [
        case
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["promql_expr_test"]
        if f'alertname="{name}"' in case["expr"]
    ]
    assert any(case["exp_samples"] for case in about)
    assert any(not case["exp_samples"] for case in about)


@pytest.mark.parametrize("alert", alerts(), ids=NAMES)
def test_each_alert_has_a_severity_says_what_to_do_and_has_a_section_in_the_runbook(
    alert: dict[str, dict[str, str]],
) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    told = alert["annotations"]
    assert told["runbook"] == f"docs/alerts.md#{str(alert['alert']).lower()}"
    assert f"\n## {alert['alert']}\n" in RUNBOOK.read_text()
    assert "`momo " in told["description"]


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert sorted(re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)) == sorted(NAMES)


def test_every_command_that_is_advised_exists() -> None:
    text = RUNBOOK.read_text() + "".join(alert["annotations"]["description"] for alert in alerts())
    advised = set(re.findall(r"`momo ([a-z][^`]*)`", text))
    assert len(advised) > 10
    for words in advised:
        command: click.Command = main
        for word in words.split():
            if not isinstance(command, click.Group) or not word.isalpha():
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found
        options = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= options, words


def test_an_alerts_operands_can_be_asked_while_all_is_well() -> None:
    expr = "a - on (queue) a offset 5m >= 10\n  and on (queue) b > 2 unless on (queue) c == 1 or absent(d)"
    assert operands(expr) == ["a - on (queue) a >= bool 10", "b > bool 2", "c == bool 1", "(d)"]
