"""A private RabbitMQ node: own name service, cookie, configuration, plugins and data, loopback only."""

from __future__ import annotations

from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Unpack

import aiormq

from momo.local import process
from momo.local.place import HERE, Placed
from momo.local.ports import Ports
from momo.local.server import LocalError, Server

PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus", "rabbitmq_consistent_hash_exchange")
CONFIGURATION = """\
listeners.tcp.local = {address}:{rabbitmq}
management.tcp.ip = {address}
management.tcp.port = {rabbitmq_management}
prometheus.tcp.ip = {address}
prometheus.tcp.port = {rabbitmq_prometheus}
log.connection.level = warning
raft.wal_max_size_bytes = 67108864
"""


class RabbitMQ(Server):
    """The node; `url` is AMQP, `management_url` the HTTP interface, `prometheus_url` its metrics."""

    name: ClassVar[str] = "rabbitmq"
    package: ClassVar[str] = "rabbitmq-server"
    start_seconds: ClassVar[float] = 60.0
    # The listeners close and the stores are written within 0.1 s; the rest of its 6 s is a timeout among its own parts.
    stop_seconds: ClassVar[float] = 3.0

    def __init__(self, folder: Path, ports: Ports, **placed: Unpack[Placed]) -> None:
        super().__init__(folder, **placed)
        purposes = ("rabbitmq", *(f"rabbitmq_{part}" for part in ("management", "prometheus", "nodes", "names")))
        self._ports = {purpose: ports.take(purpose) for purpose in purposes}
        self.port = self._ports["rabbitmq"]
        self.url = f"amqp://guest:guest@{self.place.address}:{self.port}/"
        self.management_url = f"http://guest:guest@{self.place.address}:{self._ports['rabbitmq_management']}"
        self.prometheus_url = f"http://{self.place.address}:{self._ports['rabbitmq_prometheus']}/metrics"
        self._names: Process | None = None

    def argv(self) -> Sequence[str]:
        """The command line; everything else is in the environment and the configuration file."""
        return [self.program("rabbitmq-server")]

    def environment(self) -> Mapping[str, str]:
        """Every path and port that the node's scripts would otherwise take from the machine."""
        interface = self.place.address.replace(".", ",")
        return {
            "HOME": str(self.folder),  # the cookie's place
            "ERL_EPMD_PORT": str(self._ports["rabbitmq_names"]),
            "ERL_EPMD_ADDRESS": self.place.address,
            "RABBITMQ_NODENAME": "momo@localhost",
            "RABBITMQ_DIST_PORT": str(self._ports["rabbitmq_nodes"]),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{{interface}}}",
            "RUNNING_UNDER_SYSTEMD": "1",  # the script then becomes the node, so that our signals reach it
        }

    def configuration(self) -> str:
        """The configuration file."""
        written = CONFIGURATION.format(address=self.place.address, **self._ports)
        return written if self.place == HERE else f"{written}loopback_users = none\n"

    async def prepare(self) -> None:
        """Write the configuration and start the node's own name service (epmd), which would outlive it otherwise."""
        await super().prepare()
        epmd = self.program("epmd")
        (self.folder / "rabbitmq.conf").write_text(self.configuration())
        (self.folder / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")
        self._names = await self.run(epmd, "-port", str(self._ports["rabbitmq_names"]), "-address", self.place.address)

    async def probe(self) -> None:
        """Open and close an AMQP connection; the node listens only once its plugins run."""
        try:
            connection = await aiormq.connect(self.url)
        except aiormq.exceptions.AMQPError as error:
            raise ConnectionError(str(error)) from error
        await connection.close()

    async def control(self, *words: str) -> str:
        """What `rabbitmqctl WORDS` says about this node. Raises LocalError when it fails."""
        environment = {"PATH": self._path, "LANG": "C.UTF-8", **self.environment()}
        command = [self.program("rabbitmqctl"), "--quiet", *words]
        started = await process.spawn([*self.place.within, *command], environment, PIPE)
        try:
            said = (await started.communicate())[0].decode(errors="replace").strip()
        finally:
            code = process.reap(started)
        if code:
            raise LocalError(f"rabbitmqctl {words[0]} ended with {process.how_it_ended(code)}: {said[-300:]}")
        return said

    async def _end(self, grace: float) -> None:
        await super()._end(grace)
        if self._names is not None:
            await process.finish(self._names, 1.0)
            self._names = None


async def start(folder: Path, ports: Ports, *, path: str | None = None, keep_open: Sequence[int] = ()) -> RabbitMQ:
    """Start a node under `folder` and return once it accepts AMQP connections. Raises LocalError."""
    server = RabbitMQ(folder, ports, path=path, keep_open=keep_open)
    await server.start()
    return server
