"""Redis connections that break while they are written to."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from momo.local.servers import Servers
from momo.steady import SteadyConnection


async def test_connection_that_is_found_closed_while_writing_is_an_error_of_the_client(servers: Servers) -> None:
    connection = SteadyConnection(host="127.0.0.1", port=servers.redis.port)
    await connection.connect()  # type: ignore[no-untyped-call]

    class Closed:
        """A transport as uvloop leaves it when the other side has reset it."""

        def writelines(self, _: object) -> None:
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

        def close(self) -> None:
            """It is."""

    writer, connection._writer = connection._writer, Closed()  # type: ignore[assignment]
    with pytest.raises(RedisConnectionError, match="handler is closed"):
        await connection.send_command("PING")
    assert writer is not None
    writer.close()
    await writer.wait_closed()


async def test_clients_of_such_connections_do_their_work(servers: Servers) -> None:
    client = Redis.from_url(servers.redis_url, connection_class=SteadyConnection)
    try:
        await client.set("steady", "yes")
        assert await client.get("steady") == b"yes"
    finally:
        await client.delete("steady")
        await client.aclose()


async def test_a_cancellation_that_comes_as_the_command_was_sent_is_not_lost(servers: Servers) -> None:
    connection = SteadyConnection(host="127.0.0.1", port=servers.redis.port, socket_timeout=5)
    await connection.connect()  # type: ignore[no-untyped-call]

    async def sending() -> None:
        task = asyncio.current_task()
        assert task is not None

        async def sent(_command: object) -> None:
            task.cancel()

        connection._send_packed_command = sent  # type: ignore[method-assign, assignment]
        await connection.send_command("PING")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(sending())
    assert not connection.is_connected
