"""The folder that holds a private MOMO: one process at a time, its secret, its data."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from momo.local.server import LocalError

LOCK = "lock"
LINGER_SECONDS = 12.0
"""How long the servers of a killed MOMO may take to end before their folder counts as in use."""


@asynccontextmanager
async def locked(folder: Path, *, fresh: bool = False) -> AsyncIterator[int]:
    """Hold `folder` (created if absent) and yield the lock's descriptor, which the servers inherit: while one of them
    lives, nobody else can start on its data. With `fresh` the folder is emptied first.

    Raises LocalError when the folder is in use, can't be written, or is to be emptied and was not made by MOMO.
    """
    lock = _open(folder, fresh=fresh)
    try:
        await _lock(lock, folder)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        if fresh:
            await asyncio.to_thread(_empty, folder)
        yield lock
    finally:
        os.close(lock)


def token_secret(folder: Path) -> str:
    """The secret that signs this folder's tokens: made at random once, readable by its owner only."""
    file = folder / "token_secret"
    if not file.exists():
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(secrets.token_urlsafe(48))
        part.rename(file)
    return file.read_text()


def _open(folder: Path, *, fresh: bool) -> int:
    if fresh and folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK).exists():
        raise LocalError(f"{folder} holds something else than MOMO's data: not emptying it; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalError(f"cannot use {folder}: {error.strerror}; name a folder that you may write to") from error


async def _lock(lock: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + LINGER_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode() or "just starting"
            if loop.time() > until or _lives(holder):
                raise LocalError(
                    f"{folder} is in use by another momo (process {holder}): stop it or name another folder"
                ) from None
        await asyncio.sleep(0.1)


def _lives(holder: str) -> bool:
    try:
        os.kill(int(holder), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
