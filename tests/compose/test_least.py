"""Every process of the Compose file logs in as its own user, reaches its own servers, and has its own password."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from momo.grants import MONITOR, OPERATOR, accesses
from momo.settings import DATABASES
from tests.compose.files import FILES, FOLDER, JOBS, OURS, PLAIN, PROCESSES, SECRETS, databases, loaded, urls, user

ACCESSES = {access.user: access for access in accesses()}
TOLD = {name: service for name, service in OURS.items() if name != "grants"}
BY_NAME = pytest.mark.parametrize("name", TOLD)
EVERYBODYS = {"token_secret"}
ADDRESSES = {"amqp": {"rabbitmq:5672"}, "redis": {"redis:6379"}, "mysql": {f"{name}-db:3306" for name in DATABASES}}


def expected(name: str) -> str:
    """The user that a container's process must be."""
    word, *rest = TOLD[name]["command"]
    if word in {"work", "relay"}:
        return f"momo_{rest[0]}"
    return OPERATOR if name in JOBS or rest == ["console"] else "momo_gateway"


@BY_NAME
def test_process_is_its_own_user_everywhere(name: str) -> None:
    assert user(TOLD[name]) == expected(name)
    assert {urlsplit(url).username for url in urls(TOLD[name]).values()} == {expected(name)}


@BY_NAME
def test_process_is_told_of_no_database_but_those_of_its_user(name: str) -> None:
    assert databases(TOLD[name]) == set(ACCESSES[expected(name)].services)
    for variable, url in urls(TOLD[name]).items():
        parts = urlsplit(url)
        assert parts.netloc.rpartition("@")[2] in ADDRESSES[parts.scheme]
        if parts.scheme == "mysql":
            service = variable.split("_")[1].lower()
            assert (parts.hostname, parts.path) == (f"{service}-db", f"/{service}_db")


@pytest.mark.parametrize("name", OURS)
def test_container_is_on_the_networks_of_its_databases_and_no_others(name: str) -> None:
    joined = {network.removesuffix("-db") for network in OURS[name]["networks"] if network.endswith("-db")}
    assert joined == databases(OURS[name])


def test_databases_are_on_networks_of_their_own_without_a_way_out() -> None:
    for name in DATABASES:
        assert PLAIN["services"][f"{name}-db"]["networks"] == [f"{name}-db"]
        assert PLAIN["networks"][f"{name}-db"] == {"internal": True}
        assert PLAIN["services"][f"{name}-db"]["environment"]["MARIADB_DATABASE"] == f"{name}_db"


@BY_NAME
def test_process_has_the_secrets_it_reads_and_no_others(name: str) -> None:
    read = {
        value.removeprefix(f"{SECRETS}/") for key, value in TOLD[name]["environment"].items() if key.endswith("_FILE")
    }
    assert set(TOLD[name]["secrets"]) == read
    assert read - EVERYBODYS - {expected(name)} == ({"toss_secret_key"} if name == "payment-worker" else set())


def test_only_the_servers_and_the_job_that_makes_users_have_the_administrators_password() -> None:
    having = {name for name, service in PLAIN["services"].items() if "admin" in service.get("secrets", ())}
    assert having == {"grants", "rabbitmq", *(f"{name}-db" for name in DATABASES)}


def test_the_job_that_makes_users_has_the_password_of_each_and_the_servers_of_all() -> None:
    grants = OURS["grants"]
    assert set(grants["secrets"]) == {"admin", *ACCESSES}
    assert databases(grants) == set(DATABASES)
    waits = {name for name, how in grants["depends_on"].items() if how["condition"] == "service_healthy"}
    assert waits == {"rabbitmq", *(f"{name}-db" for name in DATABASES)}


def test_redis_knows_every_process_and_not_who_only_watches_the_broker() -> None:
    assert set(PLAIN["services"]["redis"]["secrets"]) == set(ACCESSES) - {MONITOR}
    assert {user(service) for service in PROCESSES.values()} <= set(PLAIN["services"]["redis"]["secrets"])


def test_only_payments_and_what_people_look_at_have_a_way_out() -> None:
    outward = {name for name, service in PROCESSES.items() if "outside" in service["networks"]}
    assert outward == {"payment-worker", "console"}


@pytest.mark.parametrize("name", FILES)
def test_no_file_has_a_password_in_it(name: str) -> None:
    assert re.findall(r"://[^/\s@]*:[^/\s@]*@", (FOLDER / name).read_text(encoding="utf-8")) == []
    told = [pair for service in loaded(name)["services"].values() for pair in service.get("environment", {}).items()]
    for key, value in told:
        if re.search("PASS|SECRET|TOKEN|KEY", key):
            assert key.endswith("_FILE"), key
            assert value.startswith(f"{SECRETS}/"), key


def test_secrets_are_files_that_the_script_makes() -> None:
    assert {name: one["file"] for name, one in PLAIN["secrets"].items()} == {
        name: f"./secrets/{name}" for name in PLAIN["secrets"]
    }
