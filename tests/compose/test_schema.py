"""The Compose files follow the Compose specification, and name nothing that is not there."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import jsonschema_rs
import pytest

from tests.compose.files import DEVELOPMENT, FILES, FOLDER, JOBS, PLAIN, PROJECTS, loaded, merged, mounts

SCHEMA = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
BY_PROJECT = pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)


def problems(document: dict[str, Any]) -> list[str]:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("name", FILES)
def test_each_file_follows_the_specification(name: str) -> None:
    assert problems(loaded(name)) == []


@BY_PROJECT
def test_what_files_make_together_follows_the_specification(project: dict[str, Any]) -> None:
    assert problems(project) == []


def test_the_specification_is_looked_at() -> None:
    broken = merged(PLAIN, {"services": {"redis": {"healtcheck": {}, "ports": {"6379": 6379}}}})
    assert len(problems(broken)) >= 2


def test_development_adds_to_what_is_there() -> None:
    assert set(DEVELOPMENT["services"]) - set(PLAIN["services"]) == {"toss-sandbox"}


@BY_PROJECT
def test_who_waits_for_health_waits_for_a_check_and_who_waits_for_an_end_for_a_job(project: dict[str, Any]) -> None:
    services = project["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            match how["condition"]:
                case "service_healthy":
                    assert services[other]["healthcheck"]["test"], (name, other)
                case "service_completed_successfully":
                    assert services[other]["restart"] == "no", (name, other)
                case condition:
                    assert (condition, other in services) == ("service_started", True), (name, other)


@BY_PROJECT
def test_nobody_waits_in_a_circle(project: dict[str, Any]) -> None:
    waits = {name: set(service.get("depends_on", ())) for name, service in project["services"].items()}
    while ready := {name for name, others in waits.items() if not others}:
        waits = {name: others - ready for name, others in waits.items() if name not in ready}
    assert waits == {}


def test_every_job_is_waited_for_by_something_that_stays() -> None:
    """`up --wait` takes the end of a job that nobody waits for as a failure."""
    services = PLAIN["services"]
    awaited = {job for name, service in services.items() if name not in JOBS for job in service.get("depends_on", ())}
    assert set(JOBS) <= awaited


@BY_PROJECT
@pytest.mark.parametrize("kind", ["secrets", "networks"])
def test_all_that_is_used_is_declared_and_all_that_is_declared_is_used(project: dict[str, Any], kind: str) -> None:
    assert {name for service in project["services"].values() for name in service.get(kind, ())} == set(project[kind])


@BY_PROJECT
def test_every_file_that_is_mounted_is_there_and_every_volume_is_declared(project: dict[str, Any]) -> None:
    sources = {source for service in project["services"].values() for source, _ in mounts(service)}
    files = {source for source in sources if source.startswith(".")}
    assert [file for file in files if not (FOLDER / file).exists()] == []
    assert sources - files == set(project["volumes"])


@BY_PROJECT
def test_no_host_port_is_taken_twice_and_only_the_balancer_is_reached_from_other_hosts(project: dict[str, Any]) -> None:
    ports = [(name, port) for name, service in project["services"].items() for port in service.get("ports", ())]
    outer = [port.split(":")[-2] for _, port in ports]
    assert len(outer) == len(set(outer))
    assert [name for name, port in ports if not port.startswith("127.0.0.1:")] == ["nginx"]


@BY_PROJECT
def test_who_publishes_a_port_is_on_a_network_with_a_way_out(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        outward = [
            network for network in service["networks"] if not (project["networks"][network] or {}).get("internal")
        ]
        assert outward or not service.get("ports"), name
