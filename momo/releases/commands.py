"""`momo contracts`: the messages as a document, as a release, and what has changed since."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what a command needs
from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from momo.releases.check import Break
    from momo.releases.release import Release

USAGE = 2


@click.group()
def contracts() -> None:
    """The messages: their AsyncAPI document, and what a release of them can follow."""


@contracts.command()
def asyncapi() -> None:
    """Print the AsyncAPI document of all queues, as JSON."""
    import msgspec

    from momo.asyncapi.document import document

    click.echo(msgspec.json.format(msgspec.json.encode(document()), indent=2))


@contracts.command()
@click.option("--against", type=click.Path(path_type=Path, dir_okay=False), help="Another release than the last.")
def check(against: Path | None) -> None:
    """Compare the contracts with the last release; exit 1 where one of the two could not read the other's messages."""
    from momo.releases.release import ReleaseError, last, read

    try:
        old = read(against or last())
    except ReleaseError as error:
        _fail(str(error))
    found = _breaks(old)
    for each in found:
        click.echo(each)
    if found:
        sys.exit(1)
    click.echo(f"what {old.version} and this send each other is read: {len(old.contracts)} contracts")


@contracts.command()
def release() -> None:
    """Keep the contracts as those of the version in pyproject.toml, and say what breaks with the one before."""
    from momo.releases.release import FOLDER, ReleaseError, described, last, read, version, write

    try:
        before = read(last()) if any(FOLDER.glob("*.json")) else None
        file = write(described(version()))
    except ReleaseError as error:
        _fail(str(error))
    for each in _breaks(before) if before else ():
        click.echo(f"breaks with {before.version}: {each}" if before else "")
    click.echo(file)


def _breaks(old: Release) -> list[Break]:
    from momo.releases.check import breaks
    from momo.releases.release import described

    return breaks(old, described("now"))


def _fail(text: str) -> NoReturn:
    click.echo(f"momo: {text}", err=True)
    sys.exit(USAGE)
