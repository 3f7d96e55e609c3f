"""What compose/setup.sh finds missing: servers for a MOMO, and what only the tests run besides."""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.prometheus.committed import COMPOSE

TOOLS = ("sh", "dirname", "id", "echo")
SERVERS = ("rabbitmq-server", "epmd", "mariadbd", "mariadb-install-db", "redis-server")


async def lacking(folder: Path, *words: str, has: tuple[str, ...]) -> str:
    """What the script says on a machine without apt-get that has only the programs `has`."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    for name in has:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    script = (COMPOSE / "setup.sh").read_text().replace("/usr/lib/rabbitmq/bin:/usr/local/sbin:/usr/sbin:/sbin", "")
    (folder / "compose").mkdir()
    (folder / "compose" / "setup.sh").write_text(script)
    started = await asyncio.create_subprocess_exec(
        folder / "sh",
        folder / "compose" / "setup.sh",
        *words,
        env={"PATH": str(folder), "PYTHON": sys.executable},
        stdout=PIPE,
        stderr=PIPE,
    )
    _, said = await started.communicate()
    assert started.returncode == 2
    return said.decode()


BY_HAND = "setup: install these by hand (named as in Debian), then run this again: "


@pytest.mark.parametrize(
    ("words", "has", "missing"),
    [
        ((), (), "rabbitmq-server mariadb-server redis-server"),
        (("test",), (), "rabbitmq-server mariadb-server redis-server prometheus chromium nginx-light iproute2"),
        (("test",), (*SERVERS, "prometheus", "ip"), "prometheus chromium nginx-light"),
        (("test",), (*SERVERS, "prometheus", "promtool", "nginx", "ip"), "chromium"),
        (("image",), SERVERS, "buildah debootstrap"),
    ],
)
async def test_tests_and_images_need_programs_besides_the_servers(
    tmp_path: Path, words: tuple[str, ...], has: tuple[str, ...], missing: str
) -> None:
    assert await lacking(tmp_path, *words, has=has) == f"{BY_HAND}{missing}\n"
