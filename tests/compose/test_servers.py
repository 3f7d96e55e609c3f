"""The servers' configurations: what private servers start with, what commands print, and secrets that work."""

from __future__ import annotations

import asyncio
import configparser
import os
import re
import stat
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import redis.asyncio
from click.testing import CliRunner
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, RedisError

from momo.cli import main
from momo.grants import MONITOR, accesses
from momo.local.mariadb import SETTINGS
from momo.local.ports import free_port
from momo.local.rabbitmq import PLUGINS
from momo.settings import SERVICES
from tests.compose.files import FOLDER, PLAIN, SECRETS, running
from tests.compose.secrets import made


def test_rabbitmq_has_the_plugins_of_a_private_one() -> None:
    enabled = (FOLDER / "rabbitmq" / "enabled_plugins").read_text(encoding="utf-8")
    assert enabled == f"[{','.join(PLUGINS)}].\n"


def test_rabbitmq_reads_its_first_users_password_from_the_secret_that_the_job_logs_in_with() -> None:
    [shell, flag, script] = PLAIN["services"]["rabbitmq"]["entrypoint"]
    assert (shell, flag) == ("sh", "-c")
    assert script.startswith(f'RABBITMQ_DEFAULT_PASS="$$(cat {SECRETS}/admin)" exec ')
    configuration = (FOLDER / "rabbitmq" / "rabbitmq.conf").read_text(encoding="utf-8")
    [admin] = re.findall(r"^default_user = (\S+)$", configuration, re.MULTILINE)
    grants = PLAIN["services"]["grants"]["environment"]
    assert grants["MOMO_AMQP_MANAGEMENT_URL"] == f"http://{admin}@rabbitmq:15672"
    assert grants["MOMO_PASSWORD_FILE"] == f"{SECRETS}/admin"


def test_mariadb_is_told_what_a_private_one_is() -> None:
    file = configparser.ConfigParser(allow_no_value=True)
    file.read(FOLDER / "mariadb" / "momo.cnf", encoding="utf-8")
    told = {key: "1" if value is None else value for key, value in file["mariadbd"].items()}
    placed = {"bind-address", "socket", "pid-file"}  # the image's own
    assert told == {key: value for key, value in SETTINGS.items() if key not in placed}


def test_the_balancer_has_the_routes_that_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["routes", "--format", "nginx", "--resolver", "127.0.0.11"])
    assert (printed.exit_code, printed.output) == (0, (FOLDER / "nginx" / "nginx.conf").read_text(encoding="utf-8"))


def test_the_balancer_passes_on_to_the_gateways_and_waits_for_them() -> None:
    passes = re.findall(r"server ([a-z-]+):8080 ", (FOLDER / "nginx" / "nginx.conf").read_text(encoding="utf-8"))
    assert set(passes) == {f"{service}-service" for service in SERVICES}
    nginx = PLAIN["services"]["nginx"]
    assert nginx["depends_on"] == {name: {"condition": "service_healthy"} for name in passes}
    assert all(set(nginx["networks"]) & set(PLAIN["services"][name]["networks"]) for name in passes)


def test_gateways_believe_the_balancer_and_nobody_else_who_its_client_is() -> None:
    address = ip_address(PLAIN["services"]["nginx"]["networks"]["front"]["ipv4_address"])
    [given] = PLAIN["networks"]["front"]["ipam"]["config"]
    assert address in ip_network(given["subnet"])
    assert address not in ip_network(given["ip_range"])
    for name, service in running("serve").items():
        behind = "front" in service["networks"]
        assert service["environment"].get("FORWARDED_ALLOW_IPS") == (str(address) if behind else None), name


async def test_the_script_makes_a_secret_for_each_and_leaves_those_that_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    before = await made(folder)
    assert set(before) == set(PLAIN["secrets"])
    assert len(set(before.values())) == len(before)
    assert min(map(len, before.values())) >= 64
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    (folder / "momo_user").unlink()
    (folder / "toss_secret_key").write_text("of-toss\n")
    after = await made(folder)
    assert after.pop("momo_user") != before.pop("momo_user")
    assert after == before | {"toss_secret_key": "of-toss"}


ONCE = Retry(NoBackoff(), 0)


@asynccontextmanager
async def started(secrets: Path) -> AsyncIterator[int]:
    """Redis as its container starts it; its port."""
    port = free_port()
    script = FOLDER / "redis" / "start.sh"
    child = await asyncio.create_subprocess_exec(
        "sh", script, secrets, str(port), cwd=secrets.parent, stdin=DEVNULL, stdout=PIPE
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(10):
            while b"Ready to accept connections" not in await child.stdout.readline():
                pass
        yield port
    finally:
        child.terminate()
        await child.communicate()


async def allowed(port: int, user: str, password: str) -> bool:
    """Whether Redis lets `user` in."""
    async with redis.asyncio.Redis(port=port, username=user, password=password, retry=ONCE) as client:
        try:
            return bool(await client.ping())
        except RedisError:
            return False


async def test_redis_lets_each_user_in_with_its_own_password_and_nobody_else(tmp_path: Path) -> None:
    passwords = await made(tmp_path / "secrets")
    (tmp_path / "secrets" / "momo_meeting").write_text('of any "kind" #1\n')
    passwords["momo_meeting"] = 'of any "kind" #1'
    users = {access.user for access in accesses()} - {MONITOR}
    async with started(tmp_path / "secrets") as port:
        assert [user for user in users if not await allowed(port, user, passwords[user])] == []
        assert not await allowed(port, "momo_user", passwords["momo_meeting"])
        assert not await allowed(port, "default", "")
        async with redis.asyncio.Redis(port=port, username="momo_user", password=passwords["momo_user"]) as client:
            with pytest.raises(NoPermissionError):
                await client.flushall()


async def test_the_health_check_of_redis_tells_a_server_that_answers_from_none(tmp_path: Path) -> None:
    await made(tmp_path / "secrets")
    marker, check = PLAIN["services"]["redis"]["healthcheck"]["test"]
    assert marker == "CMD-SHELL"
    check = check.replace("$$", "$").replace(SECRETS, str(tmp_path / "secrets"))

    async def healthy(port: int) -> bool:
        script = check.replace("redis-cli", f"redis-cli -p {port}")
        child = await asyncio.create_subprocess_exec("sh", "-c", script, env=os.environ, stderr=DEVNULL)
        return await child.wait() == 0

    async with started(tmp_path / "secrets") as port:
        assert await healthy(port)
        (tmp_path / "secrets" / "momo_operator").write_text("another")
        assert not await healthy(port)
    assert not await healthy(port)
