"""The passwords of MOMO's users, from a folder with a file for each: what Compose and Kubernetes mount secrets as."""

from __future__ import annotations

from pathlib import Path

from momo.grants import accesses
from momo.settings import content


class PasswordsError(Exception):
    """A password is missing or can't be read; the text names its file."""


def passwords_in(folder: Path) -> dict[str, str]:
    """Each user's password, by the user's name, which is its file's too. Raises PasswordsError."""
    return {access.user: _password(folder / access.user) for access in accesses()}


def _password(file: Path) -> str:
    try:
        password = content(file)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PasswordsError(f"{file}, with the password of {file.name}, can't be read: {why}") from error
    if not password:
        raise PasswordsError(f"{file} is empty: {file.name} needs a password")
    return password
