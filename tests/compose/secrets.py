"""Secrets as `compose/secrets.sh` makes them."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

from momo.settings import content
from tests.compose.files import FOLDER


async def made(folder: Path) -> dict[str, str]:
    """The secrets in `folder` by name, after the script has made what is missing there."""
    child = await asyncio.create_subprocess_exec("sh", FOLDER / "secrets.sh", folder, stdout=PIPE)
    await child.communicate()
    assert child.returncode == 0
    return held(folder)


def held(folder: Path) -> dict[str, str]:
    """What the secrets in `folder` are."""
    return {file.name: content(file) for file in folder.iterdir() if not file.name.startswith(".")}
