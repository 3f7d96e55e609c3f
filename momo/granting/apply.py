"""Makes MOMO's users on the broker and the databases, with their passwords and exactly what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from momo.broker.management import ask
from momo.grants import accesses, definitions, granted, made_locked
from momo.settings import DATABASES, Settings
from momo.store.connection import connected
from momo.store.errors import StoreError
from momo.store.literal import literal


class GrantError(Exception):
    """A server is away, or refuses; the text says which and why."""


async def apply(settings: Settings, passwords: Mapping[str, str]) -> None:
    """Every user of `momo.grants`, with its password, where it has anything to do; who is there already gets what it
    lacks, and the password that is given.

    The management URL and the database URLs of `settings` log in as administrators; the AMQP URL only names the
    virtual host. Databases need not be there yet. Raises GrantError.
    """
    await _on_broker(settings, passwords)
    for service in DATABASES:
        await _in_database(settings, service, passwords)


async def _on_broker(settings: Settings, passwords: Mapping[str, str]) -> None:
    url = settings.amqp_management_url
    try:
        for access in accesses():
            user = {"password": passwords[access.user], "tags": access.tag}
            await ask(url, "PUT", "users", access.user, body=user)
        await ask(url, "POST", "definitions", body=definitions(settings))
    except (aiohttp.ClientError, TimeoutError) as error:
        told = f"{error.status} {error.message}" if isinstance(error, aiohttp.ClientResponseError) else str(error)
        raise GrantError(f"RabbitMQ's management API can't be used as an administrator: {told}") from error


async def _in_database(settings: Settings, service: str, passwords: Mapping[str, str]) -> None:
    # a database that every server has
    url = urlsplit(settings.db_url(service))._replace(path="/information_schema").geturl()
    try:
        async with connected(url) as database:
            for access in accesses():
                if service not in access.services:
                    continue
                await database.change(made_locked(access))
                await database.change(granted(settings, access, service))
                await database.change(
                    f"ALTER USER '{access.user}'@'%' IDENTIFIED BY {literal(passwords[access.user])} ACCOUNT UNLOCK"
                )
    except StoreError as error:
        raise GrantError(f"the database server of {service} can't be used as an administrator: {error}") from error
