"""The previous release, as its own code: unpacked from the repository's history."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from momo.releases.release import last

ROOT = Path(__file__).resolve().parents[2]


def unpacked(folder: Path) -> Path:
    """`folder` with the code of the last release: of its tag, or of the commit that kept its contracts.

    Skips the test where the repository's history is not there."""
    kept = last()
    if shutil.which("git") is None:
        pytest.skip("git is not installed, and only the history has the code of the last release")
    commit = _git("rev-parse", "--quiet", "--verify", f"v{kept.stem}^{{commit}}")
    commit = commit or _git("log", "-1", "--format=%H", "--", str(kept.relative_to(ROOT)))
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False) if commit else None
    if archive is None or archive.returncode:
        pytest.skip(f"neither the tag v{kept.stem} nor the commit of {kept.name} is in this clone: fetch its history")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def program(folder: Path) -> tuple[str, ...]:
    """The command line of the `momo` whose code is in `folder`."""
    return ("env", "-C", str(folder), sys.executable, "-m", "momo")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
