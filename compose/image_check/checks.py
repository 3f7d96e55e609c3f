"""What the images must be and do, each as one line of a report."""

# ruff: noqa: INP001, T201 - a part of a program that prints
from __future__ import annotations

import http.client
import json
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from container import Container

from momo.local.ports import free_port
from momo.settings import DATABASES, Settings, environment

SIZE_MB = 180.0
COLD_START_SECONDS = 2.0
STARTS = 3
BUILDS = {"pip", "pip3", "ensurepip", "uv", "uvx", "gcc", "cc", "ld", "strip", "make"}
"""Programs and Python packages that have no use in what only runs."""


class Report:
    """Prints what was looked at, and counts what did not hold."""

    def __init__(self) -> None:
        self.missed = 0

    def tell(self, what: str, *, holds: bool) -> None:
        self.missed += not holds
        print(f"{'ok' if holds else 'MISSED':6}  {what}", flush=True)


def check_content(report: Report, root: Path, config: Mapping[str, Any], service: str) -> None:
    """What lies in the image of `service`, and how a container of it is started."""
    started = [*config["Entrypoint"], *config["Cmd"]]
    right = started == ["momo", "serve", service] and config["User"].split(":")[0] not in {"", "0", "root"}
    report.tell(f"{service}: starts {started} as {config['User']}", holds=right)
    report.tell(f"{service}: has a health check", holds=config["Healthcheck"]["Test"][0] == "CMD")
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.name in BUILDS and _is_of_use(path))
    report.tell(f"{service}: nothing left to build with: {left}", holds=not left)


def check_meeting(report: Report, root: Path, config: Mapping[str, Any], settings: Settings) -> None:
    """Help, migrations, and a worker: cold start, least rights, health, SIGTERM."""
    container, port = _container(root, config, settings)
    shown = container.run("--help")
    report.tell("momo --help", holds=shown.returncode == 0 and "Usage: momo" in shown.stdout)
    migrated = container.run("migrate")
    current = [f"{service}: up to date" for service in DATABASES]
    report.tell("momo migrate finds every migration", holds=migrated.stdout.splitlines() == current)
    seconds, cpu = [], []
    for _ in range(STARTS):
        with container.started("work", "meeting") as worker:
            seconds.append(worker.until_ready(port))
            cpu.append(worker.cpu())
            code, took = worker.stop()
        report.tell(
            f"SIGTERM ends a worker in {took:.2f} s with {code}", holds=code == 0 and took < settings.grace_seconds
        )
    usual = statistics.median(seconds)
    report.tell(
        f"a worker is ready {usual:.2f} s after its start ({min(seconds):.2f} to {max(seconds):.2f}, "
        f"{statistics.median(cpu):.2f} of them on a processor); bound {COLD_START_SECONDS:g}",
        holds=usual <= COLD_START_SECONDS,
    )
    with container.started("work", "meeting") as worker:
        worker.until_ready(port)
        status, mounts = worker.status(), worker.mounts()
        report.tell(f"runs as user {status['Uid'].split()[0]}", holds=set(status["Uid"].split()) == {"10001"})
        report.tell(f"capabilities {status['CapBnd']}, no new privileges", holds=int(status["CapBnd"], 16) == 0)
        report.tell("its root is read-only", holds="ro" in mounts["/"])
        test = config["Healthcheck"]["Test"]
        began = time.monotonic()
        report.tell("health check of a worker", holds=worker.healthy(test))
        report.tell(f"the health check took {(time.monotonic() - began) * 1000:.0f} ms", holds=True)
        with worker.frozen():
            report.tell("a frozen worker is unhealthy", holds=not worker.healthy(test))


def check_user(report: Report, root: Path, config: Mapping[str, Any], settings: Settings) -> None:
    """A gateway and a worker of one service, and a command through both."""
    container, port = _container(root, config, settings)
    with container.started(*container.command) as gateway, container.started("work", "user") as worker:
        worker.until_ready(port)
        gateway.until_ready(settings.port)
        report.tell("health check of a gateway", holds=gateway.healthy(config["Healthcheck"]["Test"]))
        status, body = _ask(settings.port, "GET", "/schema/openapi.json")
        report.tell(f"{body.get('info', {}).get('title')} by OpenAPI", holds=status == 200)
        member = {"email": "image@momo.test", "nickname": "image", "password": "momo-image-1234"}
        status, body = _ask(settings.port, "POST", "/api/v2/users", member)
        report.tell(f"a member is registered: {status} {body}", holds=status == 201)
        code, took = gateway.stop()
        report.tell(f"SIGTERM ends a gateway in {took:.2f} s with {code}", holds=code == 0)


def weight(root: Path) -> float:
    """MB (10^6 bytes) of all files under `root`, each counted once, as Docker counts."""
    files = (os.lstat(Path(at) / name) for at, _, names in os.walk(root) for name in names)
    return sum({(found.st_dev, found.st_ino): found.st_size for found in files}.values()) / 1e6


def _container(root: Path, config: Mapping[str, Any], settings: Settings) -> tuple[Container, int]:
    port = free_port()
    return Container(root, config, environment(settings) | {"MOMO_METRICS_PORT": str(port)}), port


def _is_of_use(path: Path) -> bool:
    return (path / "__init__.py").exists() if path.is_dir() else os.access(path, os.X_OK)


def _ask(port: int, method: str, path: str, body: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())
