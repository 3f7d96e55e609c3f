"""An aviary: a MOMO's secrets as canaries, and all that came out of it, to be searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import aiohttp
import msgspec

from contracts.topology import EXCHANGES
from momo.broker.management import ask, vhost_of
from momo.local.ports import free_port
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from tests.waiting import eventually

PASSWORDS = {
    name: f"canary-{name}-{uuid4().hex}" for name in ("member", "wrong", "database", "broker", "toss", "token")
}


class Aviary:
    """The canaries, and everything that came out."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self.settings = settings
        self.logs = logs
        self.canaries: dict[str, str] = dict(PASSWORDS)
        self.heard: dict[str, bytes] = {}
        self.messages: list[aio_pika.abc.AbstractIncomingMessage] = []

    def found(self) -> list[tuple[str, str, bytes]]:
        """Which canary sings where, with what stands around it."""
        return [
            (name, place, text[max(0, at - 100) : at + len(canary)])
            for place, text in self.heard.items()
            for name, canary in self.canaries.items()
            if (at := text.find(canary.encode())) >= 0
        ]


async def guarded(settings: Settings) -> Settings:
    """`settings` with a canary for every secret, and users on the servers that have those passwords."""
    name = f"canary{uuid4().hex[:8]}"
    async with connected(settings.db_url("user")) as database:
        await database.change(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORDS['database']}'")
        await database.change(f"GRANT ALL ON *.* TO '{name}'@'%'")
    management, vhost = settings.amqp_management_url, vhost_of(settings.amqp_url)
    await ask(management, "PUT", "users", name, body={"password": PASSWORDS["broker"], "tags": ""})
    await ask(management, "PUT", "permissions", vhost, name, body=dict.fromkeys(("configure", "write", "read"), ".*"))

    def login(url: str, password: str) -> str:
        parts = urlsplit(url)
        return parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}").geturl()

    databases = {f"{s}_db_url": login(settings.db_url(s), PASSWORDS["database"]) for s in DATABASES}
    return msgspec.structs.replace(
        settings,
        amqp_url=login(settings.amqp_url, PASSWORDS["broker"]),
        toss_secret_key=PASSWORDS["toss"],
        token_secret=PASSWORDS["token"],
        **databases,
    )


class tapped:  # noqa: N801 - used as a verb
    """Hears every message that is published while the block runs."""

    def __init__(self, settings: Settings, aviary: Aviary) -> None:
        self._settings = settings
        self._aviary = aviary

    async def __aenter__(self) -> None:
        self._connection = await aio_pika.connect(self._settings.amqp_url)
        channel = await self._connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for exchange in EXCHANGES:
            await queue.bind(exchange, "#")

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            self._aviary.messages.append(message)

        await queue.consume(keep, no_ack=True)

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


def lost(settings: Settings, place: Callable[[str], str]) -> Settings:
    """`settings` whose broker and databases are looked for with the wrong password at `place` of their address."""

    def astray(url: str) -> str:
        parts = urlsplit(url)
        return parts._replace(netloc=f"nobody:{PASSWORDS['wrong']}@{place(f'{parts.hostname}:{parts.port}')}").geturl()

    databases = {f"{service}_db_url": astray(settings.db_url(service)) for service in DATABASES}
    return msgspec.structs.replace(settings, amqp_url=astray(settings.amqp_url), port=free_port(), **databases)


async def at_a_loss(settings: Settings) -> None:
    """Waits until a gateway whose servers are away or refuse it has had to say so."""

    async def says_so() -> bool:
        body = {"email": "a@momo.test", "password": PASSWORDS["wrong"]}
        try:
            async with aiohttp.ClientSession() as client:
                address = f"http://{settings.host}:{settings.port}/api/v2/users/login"
                async with client.post(address, json=body) as answer:
                    return answer.status == 503
        except aiohttp.ClientError:
            return False

    await eventually(says_so, timeout=60)
