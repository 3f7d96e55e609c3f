"""Brings a service's database up to date with its Flyway files, leaving the history that Flyway itself would."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiomysql
import pymysql

from momo.settings import DATABASES, Settings
from momo.store.address import Address, address_of, is_writable
from momo.store.connection import driver_of
from momo.store.literal import bind
from momo.store.scripts import MigrationError, Script, order_of, scripts_in, statements_in

__all__ = ["MigrationError", "folder", "migrate", "migrate_all"]

LOCK_SECONDS = 60
"""How long another process may take to migrate the same database."""

_HISTORY = "flyway_schema_history"
_CREATE_HISTORY = (
    (
        f"CREATE TABLE `{_HISTORY}` ("
        "`installed_rank` INT NOT NULL, `version` VARCHAR(50), `description` VARCHAR(200) NOT NULL,"
        " `type` VARCHAR(20) NOT NULL, `script` VARCHAR(1000) NOT NULL, `checksum` INT,"
        " `installed_by` VARCHAR(100) NOT NULL, `installed_on` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,"
        " `execution_time` INT NOT NULL, `success` BOOL NOT NULL,"
        f" CONSTRAINT `{_HISTORY}_pk` PRIMARY KEY (`installed_rank`)) ENGINE=InnoDB"
    ),
    f"CREATE INDEX `{_HISTORY}_s_idx` ON `{_HISTORY}` (`success`)",
)


def folder() -> Path:
    """Where the migrations are: `migrations/` of the repository, or `momo/_migrations` of an installed package."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


async def migrate_all(settings: Settings, root: Path) -> dict[str, list[str]]:
    """Migrates every service's database, one after the other; the scripts applied, by service."""
    return {service: await migrate(settings.db_url(service), root / service) for service in DATABASES}


async def migrate(url: str, folder: Path) -> list[str]:
    """Applies what `mysql://user:password@host:port/database` lacks of `folder`; the names of the scripts applied.

    Creates the database where there is none. Raises MigrationError.
    """
    scripts = scripts_in(folder)
    try:
        address = address_of(url)
    except ValueError as error:
        raise MigrationError(str(error)) from error
    session = await _connect(address)
    try:
        return await _locked(session, scripts)
    except pymysql.MySQLError as error:
        raise MigrationError(f"{address} said no: {_reason(error)}") from error
    finally:
        session.close()


async def _connect(address: Address) -> aiomysql.Connection:
    """A session in the database, created where there is none, on the server that takes writes."""
    refusals = []
    for server in address.servers:
        session = driver_of(address, server, autocommit=True, seconds=10)
        try:
            await session._connect()  # noqa: SLF001 - `aiomysql.connect` offers no way to clear the flag first
            if len(address.servers) == 1 or is_writable((await _rows(session, "SELECT @@global.read_only"))[0][0]):
                await _enter(session, address.database)
                return session
            refusals.append(f"{server} takes no writes")
        except (TimeoutError, pymysql.MySQLError, OSError) as error:
            refusals.append(str(error))
        session.close()
    raise MigrationError(f"{address} can't be used, check the URL and its user's rights: {'; '.join(refusals)}")


async def _enter(session: aiomysql.Connection, database: str) -> None:
    name = database.replace("`", "``")
    if not await _rows(session, "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", database):
        await _rows(session, f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
    await session.select_db(database)


async def _locked(session: aiomysql.Connection, scripts: list[Script]) -> list[str]:
    # One lock a database; a hash, since a lock's name may be no longer than 64 characters.
    lock = "CONCAT('flyway-', MD5(DATABASE()))"
    if (await _rows(session, f"SELECT GET_LOCK({lock}, %s)", LOCK_SECONDS))[0][0] != 1:
        raise MigrationError(f"another process has been migrating this database for {LOCK_SECONDS} s: try again later")
    try:
        return [script.name for script in await _pending(session, scripts) if await _apply(session, script)]
    finally:
        await _rows(session, f"DO RELEASE_LOCK({lock})")


async def _pending(session: aiomysql.Connection, scripts: list[Script]) -> list[Script]:
    if not await _rows(session, "SHOW TABLES LIKE %s", _HISTORY):
        for statement in _CREATE_HISTORY:
            await _rows(session, statement)
    history = await _rows(
        session,
        f"SELECT version, script, checksum, success FROM {_HISTORY} WHERE version IS NOT NULL ORDER BY installed_rank",
    )
    known = {script.version: script for script in scripts}
    for version, name, checksum, success in history:
        script = known.get(version)
        if not success:
            raise MigrationError(
                f"{name} failed earlier: undo what it left behind, delete its row from {_HISTORY}, then migrate again"
            )
        if script is None:
            raise MigrationError(f"{name} was applied but its file is gone: restore it, or migrate with newer code")
        if checksum is not None and checksum != script.checksum:
            raise MigrationError(f"{name} was changed after it was applied: restore it, put the change in a new file")
    applied = {version for version, *_ in history}
    newest = max(map(order_of, applied), default=())
    pending = [script for script in scripts if script.version not in applied]
    if pending and pending[0].order < newest:
        raise MigrationError(f"{pending[0].name} comes before what was applied already: give it a higher number")
    return pending


async def _apply(session: aiomysql.Connection, script: Script) -> bool:
    started = time.monotonic()
    try:
        for statement in statements_in(script.text):
            await _rows(session, statement)
    except pymysql.MySQLError as error:
        await _record(session, script, started, success=False)
        raise MigrationError(
            f"{script.name} failed, mend it, undo what it left behind and delete its row from {_HISTORY}:"
            f" {_reason(error)}"
        ) from error
    await _record(session, script, started, success=True)
    return True


async def _record(session: aiomysql.Connection, script: Script, started: float, *, success: bool) -> None:
    await _rows(
        session,
        f"INSERT INTO {_HISTORY} (installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success) SELECT COALESCE(MAX(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %s,"
        f" SUBSTRING_INDEX(CURRENT_USER(), '@', 1), %s, %s FROM {_HISTORY}",
        script.version,
        script.description,
        script.name,
        script.checksum,
        round((time.monotonic() - started) * 1000),
        success,
    )


async def _rows(session: aiomysql.Connection, sql: str, *args: object) -> list[tuple[Any, ...]]:
    # A cursor would make a Python warning of each of the server's, such as that a primary key needs no name.
    await session.query(bind(sql, args))
    return list(session._result.rows or ())  # noqa: SLF001


def _reason(error: Exception) -> str:
    return " ".join(str(error.args[-1] if error.args else error).split())
