"""The file by which other commands find the MOMO that runs in a folder: `momo.json`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from momo import settings
from momo.local.server import LocalError

FILE = "momo.json"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A running MOMO: its supervisor's process, its addresses by name, the environment that its children have."""

    pid: int
    addresses: dict[str, str]
    environment: dict[str, str]

    def settings(self) -> settings.Settings:
        """The settings its processes run with."""
        return settings.load(self.environment)


@contextmanager
def announced(folder: Path, instance: Instance) -> Iterator[None]:
    """Keep `instance` in the folder while the block runs; readable by the owner only, since it holds secrets."""
    file = folder / FILE
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write(msgspec.json.format(msgspec.json.encode(instance)))
    part.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running_instance(folder: Path) -> Instance:
    """The MOMO that runs in `folder`. Raises LocalError when none does."""
    try:
        instance = msgspec.json.decode((folder / FILE).read_bytes(), type=Instance)
        os.kill(instance.pid, 0)
    except (FileNotFoundError, ProcessLookupError, msgspec.DecodeError):
        raise LocalError(f"no MOMO runs in {folder}: start one with `momo up`") from None
    except PermissionError:
        raise LocalError(f"the MOMO in {folder} is another user's: run this as that user") from None
    return instance
