"""The containers of the Compose file as plain processes: their commands and environments, on private servers."""

from __future__ import annotations

import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from momo.broker.management import ask
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.settings import DATABASES
from momo.store.connection import connected
from tests.compose.files import OURS, SECRETS

VHOST = "compose"
ADMIN = "compose_admin"
"""Who is root in a container's MariaDB; the private server's own root has to stay as it is."""


class Site:
    """`secrets` takes the place of the containers' folder, loopback ports that of their hosts."""

    def __init__(self, servers: Servers, secrets: Path, redis_port: int) -> None:
        self.secrets = secrets
        self._ports: dict[str, int] = {}
        self._replaced = {
            "rabbitmq:5672/": f"127.0.0.1:{servers.rabbitmq.port}/{VHOST}",
            "http://momo_admin@rabbitmq:15672": servers.amqp_management_url.replace("guest:guest", "momo_admin"),
            "http://momo_operator@rabbitmq:15672": servers.amqp_management_url.replace("guest:guest", "momo_operator"),
            "redis:6379": f"127.0.0.1:{redis_port}",
            "mysql://root@": f"mysql://{ADMIN}@",
            **{f"{s}-db:3306/{s}_db": f"127.0.0.1:{servers.mariadb.port}/{VHOST}_{s}_db" for s in DATABASES},
            "http://user-service:8080": f"http://127.0.0.1:{self.port('user-service')}",
            "0.0.0.0": "127.0.0.1",
            SECRETS: str(secrets),
        }

    def port(self, name: str) -> int:
        """Where the container `name` answers."""
        return self._ports.setdefault(name, free_port())

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """What the process of a container is told, and nothing of MOMO's that this process is."""
        told: Mapping[str, str] = OURS[name]["environment"]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MOMO_")}
        ports = {key: str(self.port(name)) for key in ("MOMO_PORT", "MOMO_METRICS_PORT") if key in told}
        own = {key: self._here(value) for key, value in told.items() if key.startswith("MOMO_")}
        return {**inherited, **own, **ports, **more}

    async def ended(self, name: str, **more: str) -> tuple[int | None, str]:
        """Runs a job; its exit code, and what it said on stderr."""
        environment = self.environment(name, **more)
        child = await create_subprocess_exec(*self._words(name), env=environment, stdout=DEVNULL, stderr=PIPE)
        _, said = await child.communicate()
        return child.returncode, said.decode()

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncIterator[None]:
        """The processes of these containers, as soon as the health check of each says so."""
        async with AsyncExitStack() as stack:
            for name in names:
                await stack.enter_async_context(self._process(name))
            for name in names:
                await until_ready(f"http://127.0.0.1:{self.port(name)}/health/ready")
                assert await self.healthy(name)
            yield

    async def healthy(self, name: str) -> bool:
        """What the container's own health check says."""
        _, _, *words, _ = OURS[name]["healthcheck"]["test"]
        child = await create_subprocess_exec(sys.executable, *words, str(self.port(name)))
        return await child.wait() == 0

    @asynccontextmanager
    async def _process(self, name: str) -> AsyncIterator[None]:
        with (self.secrets.parent / f"{name}.log").open("wb") as log:
            child = await create_subprocess_exec(*self._words(name), env=self.environment(name), stderr=log)
        try:
            yield
        finally:
            assert child.returncode is None, f"{name} ended by itself: see {log.name}"
            child.terminate()
            assert await child.wait() == 0, f"{name} did not end in order: see {log.name}"

    def _words(self, name: str) -> list[str]:
        return [sys.executable, "-m", "momo", *(self._here(word) for word in OURS[name]["command"])]

    def _here(self, value: str) -> str:
        for there, here in self._replaced.items():
            value = value.replace(there, here)
        return value


async def administrators(servers: Servers, password: str) -> None:
    """What the images make when they start for the first time: a virtual host, and an administrator with `password`."""
    url = servers.amqp_management_url
    await ask(url, "PUT", "vhosts", VHOST)
    await ask(url, "PUT", "users", "momo_admin", body={"password": password, "tags": "administrator"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    await ask(url, "PUT", "permissions", VHOST, "momo_admin", body=everything)
    async with connected(servers.db_url("user")) as database:
        await database.change(f"CREATE OR REPLACE USER '{ADMIN}'@'%' IDENTIFIED BY '{password}'")
        await database.change(f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION")
