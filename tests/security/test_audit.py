"""The audit of dependencies: finds what is known, and says so where nobody could be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from momo.local.ports import free_port

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"


@contextmanager
def osv(vulnerable: dict[str, list[str]], status: int = 200, answer: bytes | None = None) -> Iterator[tuple[str, Any]]:
    """A service with OSV's interface that knows of `vulnerable` by name; its address and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            asked.extend(queries)
            known = [vulnerable.get(query["package"]["name"], []) for query in queries]
            results = [{"vulns": [{"id": name} for name in ids]} if ids else {} for ids in known]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"results": results}).encode() if answer is None else answer)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            serving.join()


def audit(service: str, lock: Path = LOCK) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "compose" / "audit.py", lock],
        env={**os.environ, "OSV_URL": service},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_pinned_package_is_asked_for_and_none_is_vulnerable() -> None:
    with osv({}) as (service, asked):
        found = audit(service)
    assert (found.returncode, found.stderr) == (0, "")
    names = {line.partition("==")[0] for line in LOCK.read_text().splitlines() if "==" in line and line[0] not in " #"}
    assert {query["package"]["name"] for query in asked} == names
    assert {"litestar", "msgspec", "pyjwt"} <= names
    assert all(query["version"] and query["package"]["ecosystem"] == "PyPI" for query in asked)


def test_known_vulnerability_fails_and_is_named() -> None:
    with osv({"pyjwt": ["GHSA-1", "CVE-2"]}) as (service, _):
        found = audit(service)
    assert found.returncode == 1
    assert "pyjwt" in found.stderr
    assert "GHSA-1, CVE-2" in found.stderr


def test_service_that_is_not_there_is_no_failure_but_is_said() -> None:
    found = audit(f"http://127.0.0.1:{free_port()}")
    assert (found.returncode, found.stdout) == (0, "")
    assert "NOTHING WAS AUDITED" in found.stderr


@pytest.mark.parametrize(
    ("status", "answer"),
    [(404, b"{}"), (500, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"results": []}'), (200, b"[]")],
)
def test_answer_that_is_none_is_not_taken_for_a_clean_one(status: int, answer: bytes) -> None:
    with osv({}, status, answer) as (service, _):
        found = audit(service)
    assert found.returncode == 0
    assert "NOTHING WAS AUDITED" in found.stderr


def test_lock_that_pins_nothing_fails(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    assert audit("http://127.0.0.1:1", lock).returncode == 1
