"""What is committed is what the code makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from momo.cli import main
from momo.deploy import cloudformation, kubernetes
from tests.deploy.built import KUBERNETES, TEMPLATE, kustomization

MADE = pytest.mark.parametrize(
    ("command", "files", "folder"),
    [("kubernetes", kubernetes.files, KUBERNETES), ("cloudformation", cloudformation.files, TEMPLATE.parent)],
)


@MADE
def test_the_committed_files_are_what_the_code_makes(
    command: str, files: Callable[[], dict[str, str]], folder: Path
) -> None:
    for path, text in files().items():
        assert (folder / path).read_text() == text, f"run `momo deploy {command}` and commit what it writes"


@MADE
def test_the_command_writes_them_where_it_is_told(
    command: str, files: Callable[[], dict[str, str]], folder: Path, tmp_path: Path
) -> None:
    answer = CliRunner().invoke(main, ["deploy", command, "--folder", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    written = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == files()
    assert {line.removeprefix(f"{tmp_path}/") for line in answer.output.splitlines()} == set(files())


def test_a_folder_that_takes_no_files_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "aws").touch()
    answer = CliRunner().invoke(main, ["deploy", "cloudformation", "--folder", str(tmp_path / "aws" / "below")])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("momo: ")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("folder", ["base", "keda", "monitoring", "overlays/example"])
def test_a_kustomization_has_all_files_of_its_folder(folder: str) -> None:
    named = kustomization(KUBERNETES / folder)
    files = {path.name for path in (KUBERNETES / folder).iterdir() if path.is_file()}
    here = {name for name in named["resources"] if "/" not in name}
    environments = {name for made in named.get("configMapGenerator", []) for name in made.get("envs", [])}
    assert here | environments == files - {"kustomization.yml"}
