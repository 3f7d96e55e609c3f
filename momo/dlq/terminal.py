"""What the operators' commands share: whom they act for, where MOMO is, and how they answer."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

import logging
import os
import pwd
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from momo import settings as configuration
from momo.settings import Settings

T = TypeVar("T")
USUAL_FOLDER = Path(".momo")


class Failure(click.ClickException):
    """One line on stderr, and exit 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"momo: {self.message}", err=True, file=file)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


BY = click.option("--by", default=_user, show_default="the system's user", help="Who does it, for the audit.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, last on stdout.")
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Work on the MOMO that `momo up` runs in this folder. Without it: on the one that MOMO_*_URL variables name,"
    " or where there are none, on the one that runs in .momo.",
)


def settings_of() -> Settings:
    """Of the MOMO in the folder that the command's group was given; else of the one whose addresses the environment
    has; else of what runs in the usual folder, if anything does. Raises Failure."""
    from momo.local.instance import FILE, running_instance
    from momo.local.server import LocalError

    folder: Path | None = click.get_current_context().obj
    if folder is None and not configuration.addressed(os.environ) and (USUAL_FOLDER / FILE).exists():
        folder = USUAL_FOLDER
    if folder is None:
        return loaded()
    try:
        return running_instance(folder.absolute()).settings()
    except (LocalError, configuration.SettingsError) as error:
        raise Failure(str(error)) from error


def loaded() -> Settings:
    """What the environment says. Raises Failure."""
    try:
        return configuration.load()
    except configuration.SettingsError as error:
        raise Failure(str(error)) from error


def loop(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`. Raises Failure where the desk can't do it."""
    import uvloop

    from momo.dlq.errors import DeskError

    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # what it would log is what is raised
    try:
        return uvloop.run(work)
    except DeskError as error:
        raise Failure(" ".join(str(error).split())) from error


def answer(found: T, show: Callable[[T], None], as_json: bool, *, name: str | None = None) -> None:
    """Prints `found` for people, or as JSON; a list under `name`."""
    import msgspec

    if as_json:
        click.echo(msgspec.json.encode({name: found} if name else found))
    else:
        show(found)
