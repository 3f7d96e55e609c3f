"""A base for the images where no registry can be asked: Debian 12 with Python, made by debootstrap."""

# ruff: noqa: INP001, S603, S607 - a part of a program that runs others
from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

SUITE = "bookworm"
UNREAD = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
"""What images of Debian leave out too."""

Buildah = Callable[..., str]
"""Runs buildah with these words and returns what it printed. Raises CalledProcessError."""


def make_base(buildah: Buildah, name: str) -> None:
    """An image called `name`: minimal Debian, its Python and CA certificates."""
    container = buildah("from", "scratch")
    root = Path(buildah("mount", container))
    subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=python3,ca-certificates", SUITE, root, *_mirror()],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    for folder in UNREAD:
        subprocess.run(["find", root / folder, "-mindepth", "1", "-delete"], check=True)
    _commit(buildah, container, name)


def make_builder(buildah: Buildah, base: str, name: str) -> None:
    """An image called `name`: `base` with what building takes besides."""
    container = buildah("from", "--pull-never", base)
    install = "apt-get -q update && apt-get -q -y --no-install-recommends install python3-venv binutils"
    buildah("run", "--user", "root", container, "--", "sh", "-c", install)
    _commit(buildah, container, name)


def _commit(buildah: Buildah, container: str, name: str) -> None:
    buildah("commit", "--quiet", "--rm", container, name)


def _mirror() -> list[str]:
    """Where this machine gets the suite from, if it does; else debootstrap knows."""
    which = [f"Codename: {SUITE}", "Component: main", "Origin: Debian"]
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *which]
    found = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.split()
    return found[:1]
