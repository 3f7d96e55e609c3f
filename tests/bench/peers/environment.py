"""The virtual environment of the peers, beside MOMO's own: made from its lock when it is missing or out of date."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".venv-peers"
LOCK = Path(__file__).with_name("requirements.lock")


class EnvironmentFailed(Exception):
    """The packages could not be installed; the text ends with what pip said."""


async def interpreter(say: Callable[[str], None]) -> Path:
    """The Python that has the peers' packages. Raises EnvironmentFailed."""
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "lock.stamp"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
        say(f"peers: installing {LOCK.name} into {FOLDER.name}")
        if FOLDER.exists():
            await asyncio.to_thread(shutil.rmtree, FOLDER)
        await _run(sys.executable, "-m", "venv", str(FOLDER))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        await _run(*pip, "--no-deps", "--require-hashes", "-r", str(LOCK))
        stamp.write_text(wanted, encoding="ascii")
    return python


async def _run(*program: str) -> None:
    child = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await child.communicate()
    if child.returncode:
        raise EnvironmentFailed(f"{' '.join(program)} ended with {child.returncode}: {said.decode()[-2_000:]}")
