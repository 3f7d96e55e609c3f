"""`momo up` with stand-ins for MOMO's own processes: real servers, real signals, real exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from momo.local.instance import running_instance
from momo.local.ports import free_port, is_free
from momo.local.server import LocalError
from momo.local.servers import Servers

UP = """
import asyncio, os, sys
from pathlib import Path
from momo.local import up
up._momo = lambda *words: [sys.executable, sys.argv[2], *words]
port = int(sys.argv[3])
sys.exit(asyncio.run(up.up(Path(sys.argv[1]), dict(os.environ), fresh="--fresh" in sys.argv, port=port)))
"""
STAND_IN = """
import http.server, os, sys, time
class Gateway(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.environ.get("BROKEN_RELAY") else 200); self.end_headers()
    def do_POST(self):
        self.send_response(409); self.end_headers()
    def log_message(self, *_): pass
if sys.argv[1] in ("migrate", "topology"):
    print(os.environ["MOMO_USER_DB_URL"], flush=True)
elif sys.argv[1] == "serve":
    http.server.HTTPServer((os.environ["MOMO_HOST"], int(os.environ["MOMO_PORT"])), Gateway).serve_forever()
elif sys.argv[1] == "relay" and os.environ.get("BROKEN_RELAY"):
    sys.exit("no relay today")
else:
    time.sleep(600)
"""


started: list[Process] = []


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    yield
    for process in started:
        if process.returncode is None:  # the test failed half way; its children end with it
            process.kill()
            await process.wait()
    started.clear()


async def start(folder: Path, port: int, *words: str, **env: str) -> Process:
    stand_in = folder.parent / "stand_in.py"
    stand_in.write_text(STAND_IN)
    argv = [sys.executable, "-c", UP, str(folder), str(stand_in), str(port), *words]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **env}
    process = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=PIPE, stderr=PIPE)
    started.append(process)
    return process


async def until_ready(process: Process) -> str:
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while "ready in" not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    return said


async def test_up_prints_addresses_can_be_found_and_stops_in_order(tmp_path: Path) -> None:
    folder, port = tmp_path / "momo", free_port()
    process = await start(folder, port)
    said = await until_ready(process)
    instance = running_instance(folder)
    assert f"http://127.0.0.1:{port}/schema" in said
    assert "demo@momo.test / momo-demo-1234" in said
    assert instance.pid == process.pid
    assert instance.settings().user_db_url.endswith("/user_db")
    assert len(instance.settings().token_secret) >= 32

    second = await start(folder, free_port(), "--fresh")
    _, error = await second.communicate()
    assert second.returncode == 2
    assert error.decode().count("\n") == 1
    assert f"is in use by another momo (process {process.pid})" in error.decode()

    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    _, error = await process.communicate()
    assert (process.returncode, error) == (0, b"")
    assert time.monotonic() - began < 15
    assert is_free(port)
    with pytest.raises(LocalError, match="no MOMO runs in"):
        running_instance(folder)


async def test_a_child_that_keeps_dying_is_named_and_everything_stops(tmp_path: Path) -> None:
    port = free_port()
    process = await start(tmp_path / "momo", port, BROKEN_RELAY="1")
    output, error = await process.communicate()
    assert process.returncode == 2
    assert b"relay ended with exit code 1; starting it again in 0.5 s" in output
    assert error.decode().startswith("momo up: relay died 4 times while starting; the last it said: no relay today")


async def test_a_taken_port_or_half_given_databases_are_one_line_and_exit_2(tmp_path: Path, servers: Servers) -> None:
    taken = servers.redis.port
    process = await start(tmp_path / "momo", taken)
    _, error = await process.communicate()
    assert (process.returncode, error.decode().count("\n")) == (2, 1)
    assert f"port {taken} for gateway is taken" in error.decode()
    process = await start(tmp_path / "momo", free_port(), MOMO_USER_DB_URL="mysql://root@127.0.0.1:1/user_db")
    _, error = await process.communicate()
    assert (process.returncode, error.decode().count("\n")) == (2, 1)
    assert "MOMO_MEETING_DB_URL" in error.decode()
