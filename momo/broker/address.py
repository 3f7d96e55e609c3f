"""The broker's address: which nodes it names, and a connection to one of them."""

from __future__ import annotations

import asyncio
import logging
import random
from urllib.parse import urlsplit

import aiormq
from aiormq.abc import AbstractConnection, ExceptionType, TimeoutType
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from momo.silence import give_up_on_silence

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15
"""After two of these without a sign of life either side gives the connection up. A URL may say otherwise, by its
`?heartbeat=`."""
CONNECT_SECONDS = 3.0
"""How long a node may take to accept a connection before another is tried."""
_OTHERS = "nodes"
"""The parameter that keeps all nodes but the first: the client library knows of one."""


def connection_url(url: str, name: str) -> str:
    """`url` for a connection called `name` in the broker's management."""
    address = _address(url)
    heartbeat = address.query.get("heartbeat", str(HEARTBEAT_SECONDS))
    return str(address.update_query(name=name, heartbeat=heartbeat))


async def connect(url: str) -> AbstractConnection:
    """An open connection to one of the nodes that `url` names. Raises what aiormq raises."""
    connection = _Connection(_address(url), transport_factory=Nodes())
    await connection.connect()
    return connection


class _Connection(aiormq.Connection):
    async def close(self, exc: ExceptionType | None = None, timeout: TimeoutType = None) -> None:  # noqa: ASYNC109
        """Whoever still waits for an answer learns that none will come. aiormq would cancel them, where the connection
        is dropped or its peer fell silent, as if somebody had told them to end."""
        if exc is None or exc is asyncio.CancelledError or isinstance(exc, asyncio.CancelledError):
            exc = AMQPConnectionError("the connection was given up")
        await super().close(exc, timeout)


class Nodes(TransportFactory):
    """Reaches a node of `amqp://user:password@one:5672,another:5672/vhost`, any of them first, so that clients spread
    over all."""

    async def create(self, url: URL, **options: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises AMQPConnectionError, that of the last node that was tried."""
        to = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        nodes = [url, *(_node(url, other) for other in url.query.get(_OTHERS, "").split(",") if other)]
        random.shuffle(nodes)
        failure: AMQPConnectionError | None = None
        for node in nodes:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await to.create(node, **options)
            except TimeoutError:
                failure = AMQPConnectionError(f"{node.host}:{node.port} does not answer")
            except AMQPConnectionError as error:
                failure = error
            else:
                give_up_on_silence(writer.transport)
                return reader, writer
            log.info("%s:%s is not the node to connect to: %s", node.host, node.port, failure)
        raise failure or AMQPConnectionError("the address names no node")


def _address(url: str) -> URL:
    """`url` with its first node in its place, and the others where `Nodes` finds them."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    first, *others = hosts.split(",")
    address = URL(parts._replace(netloc=f"{login}{at}{first}").geturl())
    return address.update_query({_OTHERS: ",".join(others)}) if others else address


def _node(url: URL, place: str) -> URL:
    node = URL(f"{url.scheme}://{place}")
    return url.with_host(node.host or "").with_port(node.port or (5671 if url.scheme == "amqps" else 5672))
