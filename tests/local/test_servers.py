"""The private servers start, keep their data, come back after a crash, and say clearly why they can't start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aio_pika
import aiohttp
import aiomysql
import pytest
import redis.asyncio

from momo import settings
from momo.local.mariadb import MariaDB
from momo.local.ports import Ports, is_free
from momo.local.redis import Redis
from momo.local.server import LocalError
from momo.local.servers import Servers, chosen_servers, kept_running, private_servers

QUEUE = "kept.queue"


async def send(servers: Servers) -> None:
    async with await aio_pika.connect(servers.amqp_url) as connection, connection.channel() as channel:
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, QUEUE)


async def receive(servers: Servers) -> bytes:
    async with await aio_pika.connect(servers.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.get_queue(QUEUE)
        async with asyncio.timeout(20), queue.iterator(no_ack=True) as messages:
            return (await anext(messages)).body


async def query(servers: Servers, sql: str) -> list[tuple[object, ...]]:
    port = servers.mariadb.port
    connection = await aiomysql.connect(host="127.0.0.1", port=port, user="root", db="user_db", autocommit=True)
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(sql)
            return list(await cursor.fetchall())
    finally:
        connection.close()


async def test_a_second_start_finds_ports_and_data_again(tmp_path: Path) -> None:
    async with private_servers(tmp_path) as servers:
        first = servers.settings()
        await send(servers)
        await query(servers, "CREATE TABLE kept (id INT PRIMARY KEY)")
        await query(servers, "INSERT INTO kept VALUES (7)")
        await servers.mariadb.kill()  # RabbitMQ stops in order, Redis too
    assert is_free(servers.mariadb.port)
    assert is_free(servers.rabbitmq.port)
    async with private_servers(tmp_path) as servers:
        assert servers.settings() == first
        assert await receive(servers) == b"kept"
        assert await query(servers, "SELECT id FROM kept") == [(7,)]


async def test_mariadb_is_set_up_for_deciding_transactions(servers: Servers) -> None:
    [row] = await query(
        servers,
        "SELECT @@global.tx_isolation, @@innodb_flush_log_at_trx_commit, @@character_set_server, @@log_bin,"
        " @@max_connections",
    )
    assert row == ("READ-COMMITTED", 1, "utf8mb4", 0, 500)
    databases = {name for (name,) in await query(servers, "SHOW DATABASES")}
    assert {f"{service}_db" for service in settings.DATABASES} <= databases


async def test_rabbitmq_has_management_metrics_and_the_hash_exchange(servers: Servers) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{servers.amqp_management_url}/api/overview") as response:
            types = {kind["name"] for kind in (await response.json())["exchange_types"]}
        async with session.get(servers.rabbitmq.prometheus_url) as response:
            metrics = await response.text()
    assert "x-consistent-hash" in types
    assert "rabbitmq_queues" in metrics


async def test_redis_answers_and_keeps_nothing_on_disk(servers: Servers) -> None:
    async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
        assert await client.config_get("save") == {"save": ""}


async def test_a_missing_program_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"is not installed: run `make setup` or install \w+-server"):
        async with private_servers(tmp_path, path=str(tmp_path)):
            pytest.fail("started without programs")


async def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path, servers: Servers) -> None:
    taken = servers.redis.port
    with pytest.raises(LocalError, match=rf"port {taken} for redis is taken"):
        async with private_servers(tmp_path, {"redis": taken}):
            pytest.fail("two servers on one port")


async def test_a_server_that_dies_while_starting_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho 'the disk is on fire' >&2; exit 3\n")
    (tmp_path / "redis-server").chmod(0o755)
    server = Redis(tmp_path / "data", Ports(tmp_path), path=str(tmp_path))
    with pytest.raises(LocalError, match="redis ended with exit code 3 while starting: the disk is on fire"):
        await server.start()


async def test_an_interrupted_installation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "mariadb" / "data.part" / "mysql").mkdir(parents=True)
    server = MariaDB(tmp_path, Ports(tmp_path))
    await server.start()
    await server.stop()
    assert (tmp_path / "mariadb" / "data" / "user_db").is_dir()
    assert not (tmp_path / "mariadb" / "data.part").exists()


async def test_a_server_that_crashes_is_started_again_on_its_port(tmp_path: Path) -> None:
    said: list[str] = []
    server = Redis(tmp_path, Ports(tmp_path))
    async with kept_running([server], said.append):
        before = await _process_id(server)
        last_words = server.log.read_text()
        await server.kill()
        async with asyncio.timeout(10):
            while not said or is_free(server.port):  # noqa: ASYNC110  # another process has no event for us
                await asyncio.sleep(0.02)
        assert await _process_id(server) != before
    assert last_words
    assert server.earlier_log.read_text() == last_words
    assert server.log.read_text() != last_words
    assert said == ["redis ended with SIGKILL; starting it again"]
    assert is_free(server.port)


def test_given_servers_are_not_started(tmp_path: Path) -> None:
    databases = {settings.variable(f"{name}_db_url"): "mysql://root@db/x" for name in settings.DATABASES}
    given = {"MOMO_AMQP_URL": "amqp://rabbit/", **databases}
    servers, variables = chosen_servers(tmp_path, Ports(tmp_path), given)
    assert [server.name for server in servers] == ["redis"]
    assert list(variables) == ["MOMO_REDIS_URL"]


def test_some_given_databases_without_the_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"set MOMO_MEETING_DB_URL, .* too, or unset the rest"):
        chosen_servers(tmp_path, Ports(tmp_path), {"MOMO_USER_DB_URL": "mysql://root@db/user_db"})


async def _process_id(server: Redis) -> int:
    async with redis.asyncio.Redis.from_url(server.url) as client:
        return int((await client.info("server"))["process_id"])
