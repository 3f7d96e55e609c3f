"""MOMO's own containers: commands, variables, ports and checks are those of the code, and no queue is forgotten."""

from __future__ import annotations

import http.server
import re
import sys
import threading
from asyncio import create_subprocess_exec
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from contracts.topology import QUEUES
from momo.cli import main
from momo.gateway.app import build
from momo.settings import DATABASES, SERVICES, Settings, from_file, variable
from tests.compose.files import (
    DEVELOPMENT,
    FOLDER,
    JOBS,
    OURS,
    PLAIN,
    PROCESSES,
    SECRETS,
    Service,
    mounts,
    ours,
    running,
)
from workers import chosen

FIELDS = {variable(name) for name in Settings.__struct_fields__}
BY_NAME = pytest.mark.parametrize("name", OURS)
GATEWAYS = running("serve")
BEHIND = {**running("work"), **running("relay")}


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_images_are_one_a_service_built_by_targets_of_the_dockerfile() -> None:
    images = {service["image"]: service["build"]["target"] for service in OURS.values()}
    assert images == {f"momo-{service}-service:latest": f"{service}-service" for service in SERVICES}
    [build] = {(service["build"]["context"], service["build"]["dockerfile"]) for service in OURS.values()}
    file = (FOLDER / build[0] / build[1]).resolve()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert stages.issuperset(images.values())


@pytest.mark.parametrize("name", ours(DEVELOPMENT))
def test_command_is_one_that_momo_takes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[str] = []
    monkeypatch.setattr(click.Command, "invoke", lambda _, context: understood.append(context.command_path))
    words = [word.replace(SECRETS, str(tmp_path)) for word in ours(DEVELOPMENT)[name]["command"]]
    answer = CliRunner().invoke(main, words, prog_name="momo")
    assert (answer.exit_code, answer.output) == (0, "")
    assert understood[-1].split()[1] == words[0]


def test_a_command_that_momo_does_not_take_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Command, "invoke", lambda *_: None)
    assert CliRunner().invoke(main, ["topology", "declaim"]).exit_code == 2
    assert CliRunner().invoke(main, ["grants", "apply"]).exit_code == 2


@pytest.mark.parametrize("name", ours(DEVELOPMENT))
def test_every_variable_is_one_that_the_settings_read(name: str) -> None:
    given = {key for key in ours(DEVELOPMENT)[name]["environment"] if key.startswith("MOMO_")}
    assert given <= FIELDS | {from_file(field) for field in FIELDS}


def test_each_service_and_the_console_has_a_gateway() -> None:
    assert {name: service["command"] for name, service in GATEWAYS.items()} == {
        "console": ["serve", "console"],
        **{f"{service}-service": ["serve", service] for service in SERVICES},
    }
    assert all(GATEWAYS[f"{s}-service"]["image"] == f"momo-{s}-service:latest" for s in SERVICES)


def test_every_queue_is_worked_by_exactly_one_service_and_every_database_relayed() -> None:
    worked: Counter[str] = Counter()
    for service in running("work").values():
        [of], queues = chosen(service["command"][1:])
        assert service["image"] == f"momo-{of}-service:latest"
        assert queues is not None
        worked.update(queues)
    assert worked == Counter({queue.name: 1 for queue in QUEUES})
    relayed = [service["command"][1:] for service in running("relay").values()]
    assert sorted(relayed) == sorted([name] for name in DATABASES)


def port_of(service: Service) -> str:
    """Where it answers its probes."""
    return str(service["environment"]["MOMO_PORT" if service["command"][0] == "serve" else "MOMO_METRICS_PORT"])


@pytest.mark.parametrize("name", PROCESSES)
def test_the_health_check_asks_where_the_process_answers(name: str) -> None:
    *_, script, port = PROCESSES[name]["healthcheck"]["test"]
    assert port == port_of(PROCESSES[name])
    assert re.findall('"(/[a-z/]+)"', script) == ["/health/ready"]
    assert PROCESSES[name]["environment"]["MOMO_HOST"] == "0.0.0.0"


def test_gateways_answer_what_is_asked_of_them() -> None:
    paths = {route.path for route in build(Settings(), ["category"]).routes}
    assert paths >= {"/health/ready", "/health/live", "/metrics"}


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that answers `status` to everything; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silence."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
async def test_the_health_check_tells_ready_from_not(status: int, healthy: bool) -> None:
    marker, _, *words, _ = PROCESSES["user-worker"]["healthcheck"]["test"]
    assert marker == "CMD"
    with answering(status) as port:
        child = await create_subprocess_exec(sys.executable, *words, str(port))
        assert (await child.wait() == 0) is healthy


@BY_NAME
def test_container_can_do_nothing_that_the_process_needs_not(name: str) -> None:
    service = OURS[name]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("volumes")


@BY_NAME
def test_stopping_may_take_longer_than_the_process_takes(name: str) -> None:
    grace = float(OURS[name]["environment"].get("MOMO_GRACE_SECONDS", Settings().grace_seconds))
    assert seconds(OURS[name]["stop_grace_period"]) >= grace + 5


def test_all_that_stays_has_limits_and_comes_back() -> None:
    for name, service in PLAIN["services"].items():
        if name not in JOBS:
            assert service["restart"] == "unless-stopped", name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_host_ports_lead_to_where_gateways_listen() -> None:
    for name, service in GATEWAYS.items():
        [port] = service["ports"]
        assert port.split(":")[-1] == port_of(service), name
    assert {GATEWAYS["user-service"]["ports"][0], GATEWAYS["meeting-service"]["ports"][0]} == {
        "127.0.0.1:8081:8080",
        "127.0.0.1:8082:8080",
    }


def test_prometheus_asks_every_process_where_it_answers() -> None:
    file = next(
        source
        for source, target in mounts(PLAIN["services"]["prometheus"])
        if target == "/etc/prometheus/prometheus.yml"
    )
    asked: dict[str, dict[str, str]] = {}
    for job in yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))["scrape_configs"]:
        [found] = job["dns_sd_configs"]
        asked[job["job_name"]] = {name: str(found["port"]) for name in found["names"]}
    assert asked.pop("gateway") == {name: port_of(service) for name, service in GATEWAYS.items()}
    assert asked.pop("worker") | asked.pop("relay") == {name: port_of(service) for name, service in BEHIND.items()}
    assert asked == {"rabbitmq": {"rabbitmq": "15692"}}
    shared = set(PLAIN["services"]["prometheus"]["networks"])
    assert all(shared & set(service["networks"]) for service in (*PROCESSES.values(), PLAIN["services"]["rabbitmq"]))
