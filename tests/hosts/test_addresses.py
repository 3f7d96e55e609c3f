"""Addresses that name several servers: each can be reached, and one that is away does not stand in the way."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from momo.broker.address import connect, connection_url
from momo.broker.management import vhost_of
from momo.broker.publisher import Publisher
from momo.broker.wire import Routes, WiredConnection
from momo.chaos.ports import lasting_ports
from momo.chaos.proxy import proxy
from momo.local.servers import Servers
from momo.store.address import Server, address_of, is_writable
from momo.store.connection import connected
from momo.store.errors import StoreUnavailable
from momo.store.migrate import MigrationError, migrate_all
from momo.store.migrate import folder as migrations
from tests.waiting import eventually

AWAY = "127.0.0.1:1"


def beside(url: str, place: str = AWAY) -> str:
    """`url` with another server before its own."""
    parts = urlsplit(url)
    login, _, own = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}@{place},{own}").geturl()


async def test_broker_is_found_among_nodes_that_are_away(servers: Servers) -> None:
    for _ in range(8):  # any node comes first
        connection = await connect(beside(servers.amqp_url))
        assert connection.is_opened
        await connection.close()


async def test_consumers_and_publishers_find_it_too(servers: Servers) -> None:
    url = beside(servers.amqp_url)
    publisher = Publisher(url, name="momo-tests")
    await publisher.start()
    assert publisher.connected
    await publisher.stop()
    for _ in range(4):
        wired = WiredConnection(URL(connection_url(url, "momo-tests")), routes=Routes(lambda _: None, lambda _: None))
        await wired.connect()
        assert wired.connected.is_set()
        await wired.close()


async def test_broker_with_no_node_in_reach_says_which_was_tried() -> None:
    with pytest.raises(AMQPConnectionError, match="Connect call failed"):
        await connect(beside(f"amqp://guest:guest@{AWAY}/"))


async def test_who_waits_on_a_connection_that_is_dropped_is_told_and_not_cancelled(servers: Servers) -> None:
    port = next(lasting_ports())
    async with proxy(servers.rabbitmq.port, port) as line:
        connection = await connect(f"amqp://guest:guest@127.0.0.1:{port}/")
        line.slow(10.0, 1_000_000)
        waiting = asyncio.create_task(connection.channel())
        await asyncio.sleep(0.2)
        await connection.close()
        with pytest.raises(AMQPConnectionError, match="the connection was given up"):
            await waiting


def test_a_connection_s_url_keeps_login_vhost_and_heartbeat() -> None:
    made = URL(connection_url("amqp://user:p%2Fw@one:5672,two:5673/v?heartbeat=3", "name of it"))
    assert (made.host, made.port, made.user, made.password) == ("one", 5672, "user", "p/w")
    assert dict(made.query) == {"nodes": "two:5673", "name": "name of it", "heartbeat": "3"}
    assert connection_url(str(made), "name of it") == str(made)
    assert vhost_of("amqp://user:pw@one:5672,two:5673/v") == "v"


def test_a_database_s_address_names_its_servers() -> None:
    found = address_of("mysql://momo:a%40b@db-1,db-2:3307/meeting_db")
    assert found.servers == (Server("db-1", 3306), Server("db-2", 3307))
    assert (found.user, found.password, found.database) == ("momo", "a@b", "meeting_db")
    assert str(found) == "db-1:3306,db-2:3307/meeting_db"


@pytest.mark.parametrize("url", ["mysql://root@,b/x", "mysql://root@a:port/x", "mysql://root@a,b/", "amqp://a/x", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a database URL is malformed: write mysql://"):
        address_of(url)


@pytest.mark.parametrize(("said", "writes"), [(0, True), (1, False), ("OFF", True), ("ON", False), ("NO_LOCK", False)])
def test_every_server_s_way_to_say_that_it_is_read_only_is_understood(said: object, writes: bool) -> None:
    assert is_writable(said) is writes


async def test_database_is_found_beside_one_that_is_away(servers: Servers) -> None:
    async with connected(beside(servers.db_url("user"))) as database:
        assert await database.rows("SELECT 1") == [(1,)]


async def test_no_database_in_reach_names_each(servers: Servers) -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/x.*; 127\.0\.0\.1:2/x"):
        async with connected(f"mysql://root@{AWAY},127.0.0.1:2/x"):
            pass


async def test_two_that_take_writes_leave_one_connection(servers: Servers) -> None:
    url = servers.db_url("user")
    async with connected(url) as watch:
        async with connected(beside(url, f"127.0.0.1:{servers.mariadb.port}")) as database:
            [(mine,)] = await database.rows("SELECT CONNECTION_ID()")
            shown = "SELECT COUNT(*) FROM information_schema.processlist WHERE id > %s"

            async def no_other() -> bool:
                return await watch.rows(shown, mine) == [(0,)]

            await eventually(no_other)
        assert await watch.rows("SELECT @@idle_transaction_timeout") == [(10,)]


async def test_migrations_go_to_the_server_that_is_there(servers: Servers) -> None:
    given = servers.settings()
    names = ("user", "meeting", "payment", "notification")
    there = {f"{name}_db_url": beside(given.db_url(name).rpartition("/")[0] + f"/away_{name}") for name in names}
    settings = type(given)(**there)  # type: ignore[arg-type]  # mypy thinks of the fields that are no URLs
    applied = await migrate_all(settings, migrations())
    assert all(applied.values())
    with pytest.raises(MigrationError, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2/x can't be used"):
        await migrate_all(type(given)(user_db_url=f"mysql://root@{AWAY},127.0.0.1:2/x"), migrations())
