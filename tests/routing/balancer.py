"""A real nginx with the configuration that `momo routes` prints."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from click.testing import CliRunner

from momo.cli import main
from momo.local.ports import free_port
from momo.local.process import finish, spawn
from momo.local.readiness import until_ready

GRACE_SECONDS = 5.0


@asynccontextmanager
async def nginx(folder: Path, upstreams: Mapping[str, Sequence[int]], *, port: int = 0) -> AsyncIterator[str]:
    """Its address, in front of gateways on these ports of this host; of a service that is not named, on none."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is not installed: `make test` does it"
    listen = f"127.0.0.1:{port or free_port()}"
    written = folder / "nginx.conf"
    written.write_text(printed(upstreams, listen))
    command = (program, "-e", "stderr", "-p", str(folder), "-c", str(written), "-g", "daemon off;")
    with (folder / "access.log").open("wb") as log:
        master = await spawn(command, os.environ, log)
    try:
        await until_ready(f"http://{listen}/health/live")
        yield f"http://{listen}"
    finally:
        await finish(master, GRACE_SECONDS)


def printed(upstreams: Mapping[str, Sequence[int]], listen: str) -> str:
    words = ["routes", "--format", "nginx", "--listen", listen]
    for service in ("user", "category", "meeting", "payment", "notification"):
        addresses = ",".join(f"127.0.0.1:{port}" for port in upstreams.get(service, (1,)))
        words += ["--upstream", f"{service}={addresses}"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output
