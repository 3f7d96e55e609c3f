"""What is committed under compose/kubernetes, put together as kustomize does it, but for what only the real one can."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml

from momo.cli import main
from momo.settings import Settings, from_file, variable

COMPOSE = Path(__file__).parents[2] / "compose"
KUBERNETES = COMPOSE / "kubernetes"
EXAMPLE = KUBERNETES / "overlays" / "example"
TEMPLATE = COMPOSE / "aws" / "momo.yml"

VARIABLES = {name for field in Settings.__struct_fields__ for name in (variable(field), from_file(variable(field)))}
"""What the settings read."""

Manifest = dict[str, Any]


def kustomization(folder: Path) -> Manifest:
    found: Manifest = yaml.safe_load((folder / "kustomization.yml").read_text())
    return found


@cache
def manifests(folder: Path = EXAMPLE) -> list[Manifest]:
    """All resources of the kustomization in `folder`, without its patches, names and images."""
    found: list[Manifest] = []
    for name in kustomization(folder).get("resources", []):
        path = folder / name
        found += manifests(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    return found


def of_kind(*kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests() if manifest["kind"] in kinds]


def pods() -> Iterator[tuple[str, Manifest]]:
    """Each pod's template, and the name of what makes it."""
    for manifest in of_kind("Deployment", "Job"):
        yield manifest["metadata"]["name"], manifest["spec"]["template"]


def settings() -> dict[str, str]:
    """What every pod is told by the ConfigMap of the base."""
    lines = (KUBERNETES / "base" / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def parsed(words: list[str]) -> click.Context:
    """The command that `momo <words>` runs. Raises click.UsageError where there is none."""
    command: click.Command = main
    context = click.Context(main, info_name="momo")
    rest = words
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    return command.make_context(command.name, list(rest))
