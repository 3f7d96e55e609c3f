"""A private MariaDB: own data folder, loopback only, one empty database a service."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Unpack

import aiomysql
import pymysql

from momo.local.place import HERE, Placed
from momo.local.ports import Ports
from momo.local.process import how_it_ended
from momo.local.server import LocalError, Server
from momo.settings import DATABASES

SETTINGS = {
    "socket": "server.sock",  # relative to the data folder: a deep folder's path would not fit into a socket address
    "pid-file": "server.pid",
    "skip-name-resolve": "1",
    "skip-log-bin": "1",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_unicode_ci",
    "transaction-isolation": "READ-COMMITTED",
    "innodb-flush-log-at-trx-commit": "1",
    "innodb-buffer-pool-size": "256M",
    "max-connections": "500",
}

EVERYWHERE = "CREATE USER IF NOT EXISTS root@'%';\nGRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
"""On a host of its own, who logs in comes from another."""


class MariaDB(Server):
    """The server; root without password, reachable from loopback alone."""

    name: ClassVar[str] = "mariadb"
    package: ClassVar[str] = "mariadb-server"
    users: ClassVar[str] = EVERYWHERE
    """Run at each start on a host of its own, a statement a line."""

    def __init__(self, folder: Path, ports: Ports, **placed: Unpack[Placed]) -> None:
        super().__init__(folder, **placed)
        self.port = ports.take("mariadb")
        self.data = self.folder / "data"

    def url(self, service: str) -> str:
        """The URL of a service's database."""
        return f"mysql://root@{self.place.address}:{self.port}/{service}_db"

    def argv(self) -> Sequence[str]:
        """The command line; no configuration file of the machine is read."""
        return [
            self.program("mariadbd", "mysqld"),
            "--no-defaults",
            *_as_root(),
            *(f"--{key}={value}" for key, value in self.settings().items()),
        ]

    def settings(self) -> dict[str, str]:
        """The server's options."""
        own = {"datadir": str(self.data), "port": str(self.port), "bind-address": self.place.address}
        if self.place != HERE:
            own["init-file"] = str(self.folder / "users.sql")
        return {**own, **SETTINGS}

    def environment(self) -> Mapping[str, str]:
        """Its temporary files stay in the folder too."""
        return {"TMPDIR": str(self.folder), "HOME": str(self.folder)}

    async def prepare(self) -> None:
        """Lay out the data folder once; one that was interrupted is laid out again. Raises LocalError."""
        await super().prepare()
        if self.place != HERE:
            (self.folder / "users.sql").write_text(self.users)
        if self.data.exists():
            return
        part = self.folder / "data.part"
        if part.exists():
            await asyncio.to_thread(shutil.rmtree, part)
        install = self.program("mariadb-install-db", "mysql_install_db")
        self._process = await self.run(
            install, "--no-defaults", *_as_root(), f"--datadir={part}", "--auth-root-authentication-method=normal",
            "--skip-name-resolve", "--skip-test-db",
        )  # fmt: skip
        if code := await self._process.wait():
            raise LocalError(f"{install} ended with {how_it_ended(code)}: {self.last_words()}")
        part.rename(self.data)

    async def probe(self) -> None:
        """Log in and create the services' databases where absent."""
        try:
            connection = await aiomysql.connect(host=self.place.address, port=self.port, user="root", autocommit=True)
        except pymysql.err.OperationalError as error:
            raise ConnectionError(str(error)) from error
        try:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT schema_name FROM information_schema.schemata")
                present = {row[0] for row in await cursor.fetchall()}
                for service in DATABASES:
                    if f"{service}_db" not in present:
                        await cursor.execute(f"CREATE DATABASE {service}_db CHARACTER SET utf8mb4")
        finally:
            connection.close()


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


async def start(folder: Path, ports: Ports, *, path: str | None = None, keep_open: Sequence[int] = ()) -> MariaDB:
    """Start MariaDB under `folder` and return once it has the services' databases. Raises LocalError."""
    server = MariaDB(folder, ports, path=path, keep_open=keep_open)
    await server.start()
    return server
