"""Builds the images of compose/Dockerfile with buildah, in a folder of its own, and reads what they are made of."""

# ruff: noqa: INP001, S603, S607 - a part of a program that runs others
from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from base import make_base, make_builder

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "compose" / "Dockerfile"
BASE, BUILDER = "localhost/base", "localhost/builder"
_OF_AN_INDEX = re.compile(r"(UV|PIP)_|SSL_CERT_FILE$")


class Images:
    """Images in `folder`, each built for one target of the Dockerfile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def buildah(self, *words: str | Path) -> str:
        """What buildah prints. Raises CalledProcessError, whose stderr says why."""
        stores = ["--storage-driver=vfs", f"--root={self._folder}/images", f"--runroot={self._folder}/run"]
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "BUILDAH_FORMAT": "docker"}
        done = subprocess.run(["buildah", *stores, *words], check=True, capture_output=True, text=True, env=environment)
        return str(done.stdout).strip()

    def make_bases(self) -> None:
        make_base(self.buildah, BASE)
        make_builder(self.buildah, BASE, BUILDER)

    def build(self, target: str) -> str:
        """The name of the image that is built for `target`."""
        variables = index_variables()
        index = self._folder / "index"
        index.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
        shared = [f"--volume={path}:{path}:ro" for path in local_places(variables.values())]
        self.buildah(
            "build",
            "--pull-never",
            f"--file={DOCKERFILE}",
            f"--ignorefile={DOCKERFILE}.dockerignore",
            f"--build-arg=BASE={BASE}",
            f"--build-arg=BUILDER={BUILDER}",
            f"--secret=id=index,src={index}",
            *shared,
            f"--target={target}",
            f"--tag=localhost/momo-{target}",
            ROOT,
        )
        return f"localhost/momo-{target}"

    def config(self, image: str) -> dict[str, Any]:
        """What a container of `image` is started with, as Docker reads it."""
        found = json.loads(self.buildah("inspect", "--type", "image", image))
        return dict(found["Docker"]["config"])

    def unpacked(self, image: str) -> Path:
        """The root of a new container of `image`; it goes with the folder."""
        return Path(self.buildah("mount", self.buildah("from", "--pull-never", image)))


def index_variables() -> dict[str, str]:
    """Where packages come from on this machine, as pip and uv read it."""
    script = """
        . compose/index.sh
        follow_pip_configuration
        PIP_INDEX_URL=$index PIP_EXTRA_INDEX_URL=$extra PIP_FIND_LINKS=$links PIP_CERT=$cert env -0
    """
    said = subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    found = dict(line.split("=", 1) for line in said.split("\0") if line)
    return {name: value for name, value in sorted(found.items()) if value and _OF_AN_INDEX.match(name)}


def local_places(values: Iterable[str]) -> list[Path]:
    """Files and folders of this machine that `values` name. An index that is a folder refers to files beside it."""
    paths = {Path(word.removeprefix("file://")) for value in values for word in re.split(r"[\s,]+", value)}
    there = {path for path in paths if path.is_absolute() and path.exists()}
    return sorted({path.parent if path.name == "simple" else path for path in there})
