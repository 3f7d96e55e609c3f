"""A folder belongs to one MOMO at a time and is emptied only when it is MOMO's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from momo.local.folder import locked, token_secret
from momo.local.server import LocalError


async def test_a_folder_in_use_is_refused_at_once_and_its_holder_named(tmp_path: Path) -> None:
    async with locked(tmp_path):
        with pytest.raises(LocalError, match=r"in use by another momo \(process \d+\)"):
            async with locked(tmp_path, fresh=True):
                pytest.fail("two at once")
    async with locked(tmp_path):
        assert (tmp_path / "lock").exists()


async def test_fresh_empties_a_folder_of_momo(tmp_path: Path) -> None:
    async with locked(tmp_path):
        (tmp_path / "mariadb").mkdir()
        (tmp_path / "mariadb" / "row").touch()
    async with locked(tmp_path, fresh=True):
        assert os.listdir(tmp_path) == ["lock"]  # noqa: PTH208


async def test_fresh_does_not_empty_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(LocalError, match="not emptying it"):
        async with locked(tmp_path, fresh=True):
            pytest.fail("emptied")
    assert (tmp_path / "thesis.txt").exists()


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"cannot use .*file"):
        async with locked(tmp_path / "file"):
            pytest.fail("no folder")


def test_the_token_secret_is_made_once_and_private(tmp_path: Path) -> None:
    secret = token_secret(tmp_path)
    assert len(secret) >= 32
    assert token_secret(tmp_path) == secret
    assert (tmp_path / "token_secret").stat().st_mode & 0o777 == 0o600
