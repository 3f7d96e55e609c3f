"""`momo up`: a whole MOMO in one folder, from nothing to a demo login, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from momo import settings
from momo.local import process
from momo.local.demo_login import ADMIN, DEMO, promote, register
from momo.local.folder import locked, token_secret
from momo.local.instance import Instance, announced
from momo.local.ports import Ports
from momo.local.readiness import until_ready
from momo.local.server import LocalError, Server
from momo.local.servers import chosen_servers, kept_running
from momo.local.supervise import Child, Supervisor

CHILD_GRACE = 9.5
"""Seconds the children may take to end; the servers then take up to 4 more, which keeps the whole under 15."""
PREFERRED_PORT = 8080
METRICS_PORT = settings.variable("metrics_port")


async def up(folder: Path, settings_env: Mapping[str, str], *, fresh: bool, port: int | None) -> int:
    """Run MOMO in `folder` until SIGINT or SIGTERM; 0 when stopped so, 2 with one line on stderr when it can't run.

    `settings_env` are the caller's `MOMO_*` variables: servers they name are used and not started privately.
    `fresh` empties the folder first; `port` is the gateway's. A second signal kills everything at once (130).
    """
    console = Console()
    running = asyncio.current_task()
    signals: list[signal.Signals] = []

    def told(which: signal.Signals) -> None:
        signals.append(which)
        if len(signals) > 1:
            process.kill_all()
            os._exit(130)
        elif running is not None:
            console.print("stopping; once more to kill at once")
            running.cancel()

    loop = asyncio.get_running_loop()
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, told, which)
    try:
        await _run(folder, settings_env, console, fresh=fresh, port=port)
    except asyncio.CancelledError:
        if not signals or running is None:
            raise
        running.uncancel()
    except (LocalError, settings.SettingsError) as error:
        print(f"momo up: {error}", file=sys.stderr)  # noqa: T201  # the one line a caller reads
        return 2
    finally:
        for which in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(which)
    return 0


async def _run(folder: Path, given: Mapping[str, str], console: Console, *, fresh: bool, port: int | None) -> None:
    began = time.monotonic()
    given = settings.resolved(given)
    settings.load({name: value for name, value in given.items() if name.startswith("MOMO_")})  # refuse before starting
    async with locked(folder, fresh=fresh) as lock:
        ports = Ports(folder, _wanted(given, port))
        servers, private = chosen_servers(folder, ports, given, keep_open=[lock])
        environment = {
            "MOMO_TOKEN_SECRET": token_secret(folder),
            **private,
            **given,
            "MOMO_PORT": str(ports.take("gateway", PREFERRED_PORT)),
        }
        if "MOMO_TOSS_URL" not in given:
            environment["MOMO_TOSS_URL"] = f"http://127.0.0.1:{ports.take('toss')}"
        told = settings.load(environment)
        if told.log_format == "auto" and console.is_terminal:  # the children write to us, and we to the terminal
            told = msgspec.structs.replace(told, log_format="pretty")
        told = msgspec.structs.replace(told, grace_seconds=min(told.grace_seconds, CHILD_GRACE - 1.5))
        say = _teller(console)
        async with kept_running(servers, say), _children(say) as supervisor:
            env = settings.inherited(told)
            for name, *command in (("migrate", "migrate"), ("topology", "topology", "declare")):
                await supervisor.run(Child(name, _momo(*command), env))
            for child in _processes(env, sandbox="MOMO_TOSS_URL" not in given):
                supervisor.start(child)
            gateway = f"http://{told.host}:{told.port}"
            await until_ready(f"{gateway}/health/ready", supervisor)
            logins = {"demo login": await register(gateway) or str(DEMO)}
            if "MOMO_USER_DB_URL" not in given:  # nobody else's database gets an admin whose password everybody knows
                refusal = await register(gateway, ADMIN) or await promote(told.user_db_url)
                logins["admin login"] = refusal or str(ADMIN)
            addresses = _addresses(told, gateway, servers)
            instance = Instance(pid=os.getpid(), addresses=addresses, environment=settings.environment(told))
            with announced(folder, instance):
                console.print(_table(addresses, logins))
                say(f"ready in {time.monotonic() - began:.1f} s; Ctrl-C stops everything, the data stay in {folder}")
                await asyncio.get_running_loop().create_future()


def _wanted(given: Mapping[str, str], port: int | None) -> dict[str, int]:
    if port is not None:
        return {"gateway": port}
    return {"gateway": int(given["MOMO_PORT"])} if "MOMO_PORT" in given else {}


def _processes(env: Mapping[str, str], *, sandbox: bool) -> list[Child]:
    children = [Child("toss-sandbox", _momo("toss-sandbox"), env)] if sandbox else []
    children.append(Child("gateway", _momo("serve"), env))
    # each answers its probes on a port of its own, or none of them does
    first = int(env[METRICS_PORT])
    for number, command in enumerate([*(("work", service) for service in settings.DATABASES), ("relay",)]):
        port = {METRICS_PORT: str(first + number if first else 0)}
        children.append(Child("-".join(command), _momo(*command), {**env, **port}))
    return children


def _momo(*words: str) -> Sequence[str]:
    return [sys.executable, "-m", "momo", *words]


@asynccontextmanager
async def _children(say: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(say)
    try:
        yield supervisor
    finally:
        await supervisor.stop(CHILD_GRACE)


def _teller(console: Console) -> Callable[[str], None]:
    def say(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever read our output is gone; MOMO goes on
            console.out(line, highlight=False)

    return say


def _addresses(told: settings.Settings, gateway: str, servers: Sequence[Server]) -> dict[str, str]:
    private = {server.name for server in servers}
    addresses = {
        "gateway": gateway,
        "OpenAPI": f"{gateway}/schema",
        "console": f"{gateway}/console",
        "Toss sandbox": told.toss_url,
    }
    if "rabbitmq" in private:
        addresses["RabbitMQ management"] = told.amqp_management_url
    addresses |= {"RabbitMQ": told.amqp_url, "MariaDB": told.user_db_url.rpartition("/")[0], "Redis": told.redis_url}
    return addresses


def _table(addresses: Mapping[str, str], logins: Mapping[str, str]) -> Table:
    table = Table(show_header=False)
    for name, address in addresses.items():
        table.add_row(name, address, style="bold" if name == "gateway" else None)
    for name, login in logins.items():
        table.add_row(name, login)
    return table
