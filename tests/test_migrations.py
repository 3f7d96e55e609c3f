"""Migrations: applied once, in order, with the history and checksums of Flyway."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import fields

from handlers.meeting.records import Meeting, Participant
from handlers.notification.records import Mailbox, Notification
from handlers.payment.records import Payment
from handlers.user.records import Follow, User
from momo.actors import Record
from momo.local.servers import Servers
from momo.settings import DATABASES
from momo.store.connection import connected
from momo.store.migrate import MigrationError, folder, migrate, migrate_all
from momo.store.scripts import checksum_of, scripts_in, statements_in

RECORDS = {
    "user": (User, Follow),
    "meeting": (Meeting, Participant),
    "payment": (Payment,),
    "notification": (Mailbox, Notification),
}


@pytest.fixture
def scripts(tmp_path: Path) -> Callable[..., Path]:
    """Writes V<n>__ files and returns their folder."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def url(servers: Servers, request: pytest.FixtureRequest) -> str:
    """A database of this test alone, which does not exist yet."""
    name = re.sub(r"\W", "_", request.node.name)[:50]
    return servers.settings().user_db_url.rpartition("/")[0] + f"/mig_{name}"


async def history(url: str) -> list[tuple[object, ...]]:
    async with connected(url) as database:
        return await database.rows(
            "SELECT installed_rank, version, description, type, script, checksum, success"
            " FROM flyway_schema_history ORDER BY installed_rank"
        )


async def test_every_service_is_migrated_once(servers: Servers) -> None:
    settings = servers.settings()
    first = await migrate_all(settings, folder())
    second = await migrate_all(settings, folder())
    assert set(first) == set(DATABASES)
    assert second == {service: [] for service in DATABASES}
    assert [row[4] for row in await history(settings.user_db_url)] == [
        "V1__Create_users_table.sql",
        "V2__Create_categories_table.sql",
        "V3__Create_user_categories_table.sql",
        "V4__Create_user_follow_table.sql",
        "V5__Create_user_ratings_table.sql",
        "V8__Create_user_social_table.sql",
        "V11__Create_engine_tables.sql",
        "V12__Create_operator_acts_table.sql",
        "V13__Create_attempts_table.sql",
        "V14__Index_what_waits.sql",
        "V15__Create_held_tables.sql",
    ]
    async with connected(settings.user_db_url) as database:
        assert await database.rows("SELECT COUNT(*) FROM categories") == [(20,)]
        assert await database.rows("SELECT name, next_block FROM id_blocks") == [("records", 1)]


@pytest.mark.parametrize(("service", "record"), [(s, record) for s, found in RECORDS.items() for record in found])
async def test_a_record_has_its_tables_columns_and_primary_key(
    servers: Servers, service: str, record: type[Record]
) -> None:
    settings = servers.settings()
    await migrate_all(settings, folder())
    async with connected(settings.db_url(service)) as database:
        columns = await database.rows(
            "SELECT column_name, column_key FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name = %s AND generation_expression IS NULL"
            " ORDER BY ordinal_position",
            record.table,
        )
    assert {name for name, _ in columns} == {field.name for field in fields(record)}
    assert {name for name, key in columns if key == "PRI"} == set(record.key)


async def test_the_history_is_what_flyway_writes(url: str, scripts: Callable[..., Path]) -> None:
    text = "CREATE TABLE a (\n  id INT PRIMARY KEY\n);\n"
    applied = await migrate(url, scripts(V1__Make_a_table=text))
    assert applied == ["V1__Make_a_table.sql"]
    assert await history(url) == [(1, "1", "Make a table", "SQL", "V1__Make_a_table.sql", checksum_of(text), 1)]


async def test_only_what_is_missing_is_applied(url: str, scripts: Callable[..., Path]) -> None:
    await migrate(url, scripts(V2__a="CREATE TABLE a (id INT)"))
    assert await migrate(url, scripts(V10__b="CREATE TABLE b (id INT)")) == ["V10__b.sql"]


async def test_a_changed_file_is_refused(url: str, scripts: Callable[..., Path]) -> None:
    await migrate(url, scripts(V1__a="CREATE TABLE a (id INT)"))
    with pytest.raises(MigrationError, match=r"V1__a\.sql was changed after it was applied: restore it"):
        await migrate(url, scripts(V1__a="CREATE TABLE a (id BIGINT)"))


async def test_a_missing_file_is_refused(url: str, scripts: Callable[..., Path]) -> None:
    path = scripts(V1__a="CREATE TABLE a (id INT)")
    await migrate(url, path)
    (path / "V1__a.sql").unlink()
    with pytest.raises(MigrationError, match="its file is gone"):
        await migrate(url, path)


async def test_a_file_that_comes_too_late_is_refused(url: str, scripts: Callable[..., Path]) -> None:
    await migrate(url, scripts(V2__b="CREATE TABLE b (id INT)"))
    with pytest.raises(MigrationError, match="give it a higher number"):
        await migrate(url, scripts(V1__a="CREATE TABLE a (id INT)"))


async def test_a_failed_file_stops_the_next_run_too(url: str, scripts: Callable[..., Path]) -> None:
    path = scripts(V1__a="CREATE TABLE a (id INT); CREATE TABLE a (id INT)")
    with pytest.raises(MigrationError, match=r"V1__a\.sql failed, mend it.*already exists"):
        await migrate(url, path)
    with pytest.raises(MigrationError, match="failed earlier: undo what it left behind"):
        await migrate(url, path)


async def test_two_processes_migrate_only_once(url: str, scripts: Callable[..., Path]) -> None:
    path = scripts(V1__a="CREATE TABLE a (id INT)", V2__b="DO SLEEP(0.3)", V3__c="CREATE TABLE c (id INT)")
    both = await asyncio.gather(migrate(url, path), migrate(url, path))
    assert sorted(map(len, both)) == [0, 3]


@pytest.mark.parametrize("name", ["V1_a", "a", "V1__", "Vx__a", "v1__a"])
def test_a_name_that_is_not_flyways_is_refused(name: str, scripts: Callable[..., Path]) -> None:
    with pytest.raises(MigrationError, match="is no migration's name"):
        scripts_in(scripts(**{name: "DO 1"}))


def test_two_files_of_one_version_are_refused(scripts: Callable[..., Path]) -> None:
    with pytest.raises(MigrationError, match="have the same version"):
        scripts_in(scripts(V1__a="DO 1", V01__b="DO 2"))


def test_versions_are_ordered_as_numbers(scripts: Callable[..., Path]) -> None:
    assert [s.version for s in scripts_in(scripts(V10__c="DO 1", V2__b="DO 1", V1_1__a="DO 1"))] == ["1.1", "2", "10"]


async def test_an_unreachable_server_is_named(scripts: Callable[..., Path]) -> None:
    with pytest.raises(MigrationError, match=r"127\.0\.0\.1:1/x can't be used"):
        await migrate("mysql://root@127.0.0.1:1/x", scripts(V1__a="DO 1"))


@pytest.mark.parametrize("url", ["postgres://a@b/c", "mysql://root@host/", "nonsense"])
async def test_a_malformed_url_is_refused(url: str, scripts: Callable[..., Path]) -> None:
    with pytest.raises(MigrationError, match="mysql://user:password@host:port/database"):
        await migrate(url, scripts(V1__a="DO 1"))


def test_semicolons_in_strings_and_comments_separate_nothing() -> None:
    text = """-- first; comment
    INSERT INTO a VALUES ('x;y', "it''s;", 'back\\'slash;'); # last; one
    /* a; block */ UPDATE `b;c` SET d = 'a--b' -- end;
    ; /*!40101 SET NAMES utf8 */;
    """
    assert [" ".join(statement.split()) for statement in statements_in(text)] == [
        "INSERT INTO a VALUES ('x;y', \"it''s;\", 'back\\'slash;')",
        "UPDATE `b;c` SET d = 'a--b'",
        "/*!40101 SET NAMES utf8 */",
    ]


def test_the_checksum_ignores_line_ends_and_the_byte_order_mark() -> None:
    assert checksum_of("a\r\nb\rc\n") == checksum_of("\ufeffa\nb\nc") == checksum_of("abc")
    # CRC-32 of "123456789" is 0xCBF43926, the check value of the algorithm; signed, it is negative
    assert checksum_of("1234\n56789") == 0xCBF43926 - (1 << 32)
