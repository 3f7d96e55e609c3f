"""What the parts of a MOMO have used so far: CPU, bytes on the wire and on disk, flushes to disk, operations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis.asyncio import Redis

from momo.bench.ground import Figures, Ground
from momo.bench.usage import cpu_seconds
from momo.store.connection import connected

STATUS = {
    "sql_bytes": ("Bytes_received", "Bytes_sent"),
    "mariadb_fsyncs": ("Innodb_data_fsyncs",),
    "mariadb_log_bytes": ("Innodb_os_log_written",),
}
INFO = {
    "redis_bytes": ("total_net_input_bytes", "total_net_output_bytes"),
    "redis_ops": ("total_commands_processed",),
}
BROKER = """\
Sum = lists:sum([N || C <- rabbit_networking:connection_info_all([recv_oct, send_oct]), {_, N} <- C, is_integer(N)]),
Wal = maps:get(batches, maps:get(ra_log_wal, ra_counters:overview(), #{}), 0),
io:format("[~p, ~p]", [Sum, Wal])."""
"""The bytes of all open connections, and how often the log of the quorum queues was flushed."""


class Meter:
    """Reads the counters of the three servers and the CPU of `pids`, by part."""

    def __init__(self, ground: Ground, pids: Mapping[str, Sequence[int]]) -> None:
        servers = ground.servers
        self._servers = {
            name: ground.pid(server)
            for name, server in (
                ("rabbitmq", servers.rabbitmq),
                ("mariadb", servers.mariadb),
                ("redis", servers.redis),
            )
        }
        self._pids = {**pids, **{name: [pid] for name, pid in self._servers.items()}}
        self._ground = ground

    def cpu(self) -> Figures:
        """µs by part: `worker_us`."""
        return {f"{name}_us": sum(map(cpu_seconds, pids)) * 1e6 for name, pids in self._pids.items()}

    async def counters(self) -> Figures:
        """Everything else. RabbitMQ is asked by a program that takes a second: look before the work, and after it."""
        said = (await self._ground.servers.rabbitmq.control("eval", BROKER)).splitlines()[0]
        octets, batches = json.loads(said[: said.index("]") + 1])
        found: Figures = {"amqp_bytes": octets, "rabbitmq_fsyncs": batches}
        for name in ("rabbitmq", "mariadb"):
            found[f"{name}_disk_bytes"] = written(self._servers[name])
        async with connected(self._ground.settings.db_url("meeting")) as database:
            status: dict[str, str] = dict(await database.rows("SHOW GLOBAL STATUS"))
        redis = Redis.from_url(self._ground.settings.redis_url)
        info = await redis.info()
        await redis.aclose()
        for source, names in ((status, STATUS), (info, INFO)):
            found |= {name: sum(float(source[key]) for key in keys) for name, keys in names.items()}
        return found


def written(pid: int) -> int:
    """Bytes that a process has had written to disk."""
    for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} does not tell what it writes")


def spent(before: Figures, after: Figures, count: float) -> Figures:
    """How much of each was used for one of `count`."""
    return {name: (after[name] - before[name]) / count for name in after}
