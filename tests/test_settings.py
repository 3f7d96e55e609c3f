"""What a process is told by its environment, and by the files that its environment names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from momo.settings import Settings, SettingsError, addressed, environment, from_file, load, resolved, variable

FIELDS = [field.name for field in msgspec.structs.fields(Settings)]


@pytest.mark.parametrize("field", FIELDS)
def test_every_variable_may_be_the_content_of_a_file(field: str, tmp_path: Path) -> None:
    told = environment(Settings(token_secret="s" * 40, password="p", user_url="http://users", metrics_port=9100))
    name = variable(field)
    (tmp_path / "secret").write_text(told[name] + "\n")
    assert load({from_file(name): str(tmp_path / "secret")}) == load({name: told[name]})


@pytest.mark.parametrize(("held", "read"), [("a", "a"), ("a\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("", "")])
def test_only_the_last_newline_of_a_file_is_left_out(held: str, read: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(held)
    assert load({"MOMO_TOSS_SECRET_KEY_FILE": str(file)}).toss_secret_key == read


def test_a_variable_and_its_file_are_not_both_taken(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("amqp://a")
    with pytest.raises(SettingsError, match=r"^MOMO_AMQP_URL and MOMO_AMQP_URL_FILE are both given"):
        load({"MOMO_AMQP_URL": "amqp://a", "MOMO_AMQP_URL_FILE": str(file)})


def test_a_file_that_cannot_be_read_is_named_with_its_variable(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"^MOMO_AMQP_URL_FILE names '/nowhere/url', .*: No such file or directory$"
    ):
        load({"MOMO_AMQP_URL_FILE": "/nowhere/url"})
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^MOMO_TOSS_SECRET_KEY_FILE names .*: it is not UTF-8$"):
        load({"MOMO_TOSS_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_what_a_file_holds_is_judged_as_the_variable_would_be(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("many")
    with pytest.raises(SettingsError, match="port"):
        load({"MOMO_PORT_FILE": str(tmp_path / "port")})
    (tmp_path / "token").write_text("short")
    with pytest.raises(SettingsError, match="MOMO_TOKEN_SECRET has 5 characters"):
        load({"MOMO_TOKEN_SECRET_FILE": str(tmp_path / "token")})


def test_an_environment_without_its_files_says_the_same_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://cache\n")
    given = {"MOMO_REDIS_URL_FILE": str(file), "PATH": "/bin", "MOMO_LANES": "3", "SSL_CERT_FILE": "/a"}
    assert resolved(given) == {
        "MOMO_REDIS_URL": "redis://cache",
        "PATH": "/bin",
        "MOMO_LANES": "3",
        "SSL_CERT_FILE": "/a",
    }


def test_an_address_in_a_file_counts_as_given() -> None:
    assert addressed({"MOMO_AMQP_URL_FILE": "/run/secrets/amqp"})
    assert addressed({"MOMO_AMQP_URL": "amqp://a"})
    assert not addressed({"MOMO_PASSWORD_FILE": "/run/secrets/momo_user", "MOMO_PORT": "1"})


@pytest.mark.parametrize(
    ("url", "logs_in_as"),
    [
        ("amqp://momo_user@rabbitmq/", "amqp://momo_user:p%2F%3A%40%20s@rabbitmq/"),
        ("amqp://momo_user@one:5672,two:5672/v?heartbeat=5", "amqp://momo_user:p%2F%3A%40%20s@one:5672,two:5672/v?heartbeat=5"),
        ("amqp://momo_user:own@rabbitmq/", "amqp://momo_user:own@rabbitmq/"),
        ("amqp://momo_user:@rabbitmq/", "amqp://momo_user:@rabbitmq/"),
        ("amqp://rabbitmq/", "amqp://rabbitmq/"),
    ],
)  # fmt: skip
def test_the_password_is_for_urls_that_name_a_user_and_none(url: str, logs_in_as: str) -> None:
    assert load({"MOMO_AMQP_URL": url, "MOMO_PASSWORD": "p/:@ s"}).amqp_url == logs_in_as


def test_without_a_password_urls_stay_as_they_are() -> None:
    assert load({"MOMO_USER_DB_URL": "mysql://root@db/user_db"}).user_db_url == "mysql://root@db/user_db"
