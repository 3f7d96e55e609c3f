"""Two MariaDB servers on hosts of their own: one takes writes, the other repeats them and can be promoted.

A commit is answered when the follower has it too (semi-synchronous, AFTER_SYNC), so what a client was told is not lost
with a server. Every server begins read-only: a former leader that comes back takes no writes by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import aiomysql

from momo.hosts.network import Host
from momo.local.mariadb import EVERYWHERE, MariaDB
from momo.local.ports import Ports
from momo.local.server import LocalError

USER = "momo"
"""Who MOMO's processes log in as: an administrator could write to a server that is read-only."""
FOR_EVER_MS = 24 * 3_600_000
FOLLOWING_SECONDS = 30.0
USERS = f"""\
SET SESSION sql_log_bin=0;
{EVERYWHERE}CREATE USER IF NOT EXISTS {USER}@'%';
GRANT ALL ON `momo\\_%`.* TO {USER}@'%';
CREATE USER IF NOT EXISTS follower@'%';
GRANT REPLICATION SLAVE ON *.* TO follower@'%';
"""
"""Run at each start, a statement a line, by each server for itself."""


class Half(MariaDB):
    """One of the two; `number` is its own among all that repeat each other."""

    users: ClassVar[str] = USERS

    def __init__(self, folder: Path, ports: Ports, host: Host, number: int) -> None:
        super().__init__(folder, ports, place=host.place)
        self._number = number

    def settings(self) -> dict[str, str]:
        given = super().settings()
        del given["skip-log-bin"]
        return given | {
            "read-only": "1",
            "server-id": str(self._number),
            "log-bin": "server-bin",
            "log-slave-updates": "1",
            "binlog-format": "ROW",
            "sync-binlog": "1",
            "gtid-strict-mode": "1",
            "slave-parallel-threads": "4",
            "rpl-semi-sync-slave-enabled": "1",
            # what a crash leaves in the log that no follower had is taken out again, not committed
            "init-rpl-role": "SLAVE",
            "rpl-semi-sync-master-wait-point": "AFTER_SYNC",
            "rpl-semi-sync-master-timeout": str(FOR_EVER_MS),
        }

    async def probe(self) -> None:
        """Log in; databases come from whoever migrates."""
        await self.sql("DO 1")

    async def sql(self, *statements: str) -> list[dict[str, Any]]:
        """Runs `statements` as the administrator; the rows of the last. Raises ConnectionError."""
        try:
            connection = await aiomysql.connect(
                host=self.place.address, port=self.port, user="root", autocommit=True, connect_timeout=5
            )
        except aiomysql.MySQLError as error:
            raise ConnectionError(str(error)) from error
        try:
            async with connection.cursor(aiomysql.DictCursor) as cursor:
                for statement in statements:
                    await cursor.execute(statement)
                return list(await cursor.fetchall())
        finally:
            connection.close()

    async def lead(self) -> None:
        """Takes writes from now on, after all that it has been sent; alone until a follower is there. Raises
        LocalError."""
        if await self.sql("SHOW SLAVE STATUS"):
            [status] = await self.sql("STOP SLAVE IO_THREAD", "SHOW SLAVE STATUS")
            await self._reach(status["Gtid_IO_Pos"])
            await self.sql("STOP SLAVE", "RESET SLAVE ALL")
        await self.sql("SET GLOBAL read_only=0")

    async def follow(self, leader: Half) -> None:
        """Repeats what `leader` does, which from then on answers no commit that is not here too. Raises LocalError."""
        await self.sql(
            "SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos",
            f"CHANGE MASTER TO MASTER_HOST='{leader.place.address}', MASTER_PORT={leader.port}, MASTER_USER='follower',"
            " MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos",
            "START SLAVE",
        )
        [position] = await leader.sql("SELECT @@gtid_binlog_pos AS gtid")
        await self._reach(position["gtid"])
        await leader.sql("SET GLOBAL rpl_semi_sync_master_enabled=1")

    async def _reach(self, position: str) -> None:
        """Waits until all up to `position` is repeated here. Raises LocalError."""
        [waited] = await self.sql(f"SELECT MASTER_GTID_WAIT('{position}', {FOLLOWING_SECONDS:.0f}) AS failed")
        if waited["failed"]:
            [status] = await self.sql("SHOW SLAVE STATUS")
            why = status["Last_IO_Error"] or status["Last_SQL_Error"] or "it is too slow"
            raise LocalError(f"{self.place.address} has not repeated all up to {position}: {why}")


class Pair:
    """The two, of which `leader` takes writes."""

    def __init__(self, folder: Path, ports: Ports, hosts: Sequence[Host]) -> None:
        self.leader, self.follower = (
            Half(folder / host.name, ports, host, number) for number, host in enumerate(hosts, 1)
        )

    @property
    def halves(self) -> list[Half]:
        return [self.leader, self.follower]

    def url(self, user: str, database: str) -> str:
        """The URL of a database, which names both servers."""
        places = ",".join(sorted(f"{half.place.address}:{half.port}" for half in self.halves))
        return f"mysql://{user}@{places}/{database}"

    async def begin(self) -> None:
        """Says who leads, of two that have just started for the first time."""
        await self.leader.lead()
        await self.follower.follow(self.leader)

    async def promote(self) -> None:
        """The leader is gone; the follower takes its place."""
        self.leader, self.follower = self.follower, self.leader
        await self.leader.lead()

    async def rejoin(self) -> None:
        """The one that was gone comes back, and follows."""
        await self.follower.start()
        await self.follower.follow(self.leader)
