"""`momo deploy`: writes the files that run MOMO on many machines."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from momo.dlq.terminal import Failure


def _folder(usual: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(usual),
        show_default=True,
        help="Where they are written.",
    )


@click.group()
def deploy() -> None:
    """Write what runs MOMO on many machines, as the topology makes it."""


@deploy.command()
@_folder("compose/kubernetes")
def kubernetes(folder: Path) -> None:
    """Write Kubernetes' manifests, for kustomize."""
    from momo.deploy.kubernetes import files

    _write(folder, files())


@deploy.command()
@_folder("compose/aws")
def cloudformation(folder: Path) -> None:
    """Write the template of an AWS CloudFormation stack."""
    from momo.deploy.cloudformation import files

    _write(folder, files())


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
            click.echo(folder / path)
    except OSError as error:
        raise Failure(f"{error.filename} can't be written: {error.strerror}") from error
