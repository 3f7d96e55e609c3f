"""A private Redis: loopback only, nothing on disk, since MOMO keeps there only what may be lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Unpack

import redis.asyncio
import redis.exceptions

from momo.local.place import Placed
from momo.local.ports import Ports
from momo.local.server import Server


class Redis(Server):
    """The server; `url` is what clients connect to."""

    name: ClassVar[str] = "redis"
    package: ClassVar[str] = "redis-server"

    def __init__(self, folder: Path, ports: Ports, **placed: Unpack[Placed]) -> None:
        super().__init__(folder, **placed)
        self.port = ports.take("redis")
        self.url = f"redis://{self.place.address}:{self.port}/0"

    def argv(self) -> Sequence[str]:
        """The command line; all settings are on it."""
        settings = {
            "port": str(self.port),
            "bind": self.place.address,
            "protected-mode": "no",  # whatever reaches the address may come in
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
        }
        return [
            self.program("redis-server"),
            *(word for key, value in settings.items() for word in (f"--{key}", value)),
        ]

    async def probe(self) -> None:
        """PING."""
        client = redis.asyncio.Redis.from_url(self.url)
        try:
            await client.ping()
        except redis.exceptions.RedisError as error:  # loading, refused
            raise ConnectionError(str(error)) from error
        finally:
            await client.aclose()


async def start(folder: Path, ports: Ports, *, path: str | None = None, keep_open: Sequence[int] = ()) -> Redis:
    """Start Redis under `folder` and return once it answers PING. Raises LocalError."""
    server = Redis(folder, ports, path=path, keep_open=keep_open)
    await server.start()
    return server
