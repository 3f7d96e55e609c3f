"""Which MOMO an operator's command works on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from momo.dlq.terminal import Failure, settings_of
from momo.local.instance import Instance, announced
from momo.settings import Settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment that names no server."""
    for name in list(os.environ):
        if name.startswith("MOMO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def running(here: Path) -> Iterator[None]:
    """A MOMO that runs in the usual folder."""
    folder = here / ".momo"
    folder.mkdir()
    environment = {"MOMO_AMQP_URL": "amqp://of-momo-up"}
    with announced(folder, Instance(pid=os.getpid(), addresses={}, environment=environment)):
        yield


def found(folder: Path | None = None) -> Settings:
    with click.Context(click.Command("momo"), obj=folder):
        return settings_of()


@pytest.mark.usefixtures("running")
def test_what_momo_up_runs_where_nothing_else_is_said() -> None:
    assert found().amqp_url == "amqp://of-momo-up"


@pytest.mark.usefixtures("running")
def test_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMO_REDIS_URL", "redis://elsewhere")
    assert (found().redis_url, found().amqp_url) == ("redis://elsewhere", Settings().amqp_url)


@pytest.mark.usefixtures("running")
def test_the_folder_that_is_given_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMO_AMQP_URL", "amqp://elsewhere")
    assert found(Path(".momo")).amqp_url == "amqp://of-momo-up"
    with pytest.raises(Failure, match="no MOMO runs in"):
        found(Path("nowhere"))


def test_the_usual_addresses_where_nothing_runs() -> None:
    assert found() == Settings()
