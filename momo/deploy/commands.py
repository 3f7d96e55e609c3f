"""`momo deploy`: writes the files that run MOMO on many machines."""

# ruff: noqa: PLC0415 - `momo --help` must not pay for what one command runs
from __future__ import annotations

from pathlib import Path

import click

from momo.made import into, write


@click.group()
def deploy() -> None:
    """Write what runs MOMO on many machines, as the topology makes it."""


@deploy.command()
@into("compose/kubernetes")
def kubernetes(folder: Path) -> None:
    """Write Kubernetes' manifests, for kustomize."""
    from momo.deploy.kubernetes import files

    write(folder, files())


@deploy.command()
@into("compose/aws")
def cloudformation(folder: Path) -> None:
    """Write the template of an AWS CloudFormation stack."""
    from momo.deploy.cloudformation import files

    write(folder, files())
