"""A database's address: one server, or several of which one at a time takes writes."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import msgspec


class Server(msgspec.Struct, frozen=True):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What `mysql://user:password@host:port,another:port/database` says."""

    servers: tuple[Server, ...]
    user: str
    password: str
    database: str

    def __str__(self) -> str:
        return f"{','.join(map(str, self.servers))}/{self.database}"


def address_of(url: str) -> Address:
    """Raises ValueError where `url` is no such address."""
    malformed = (
        "a database URL is malformed: write mysql://user:password@host:port/database, several as host:port,host:port"
    )
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    database = unquote(parts.path.lstrip("/"))
    try:
        servers = tuple(_server(place) for place in places.split(","))
    except ValueError as error:
        raise ValueError(malformed) from error
    if parts.scheme != "mysql" or not database or not all(server.host for server in servers):
        raise ValueError(malformed)
    return Address(servers=servers, user=unquote(user) or "root", password=unquote(password), database=database)


def _server(place: str) -> Server:
    parts = urlsplit(f"//{place}")
    return Server(parts.hostname or "", parts.port or 3306)


def is_writable(read_only: object) -> bool:
    """What a server's `@@global.read_only` says."""
    return str(read_only).upper() in {"0", "OFF"}
