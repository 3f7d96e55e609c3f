"""Compiles every module that MOMO can import, once, while an image is built: nothing may write byte code there later.

Modules of the standard library among them that the base brought compiled stay as they are. That each module can be
imported is tried on the way, and with it every compiled package.
"""

# ruff: noqa: INP001 - a program of its own
from __future__ import annotations

import importlib
import pkgutil
import py_compile
import sys
from pathlib import Path

PACKAGES = ("contracts", "handlers", "momo", "workers")


def load() -> None:
    """Imports all of MOMO, and so what it imports."""
    for name in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)


def compile_loaded() -> None:
    """By a hash that nobody compares: an image's files get new times, and don't change."""
    for module in list(sys.modules.values()):
        source, compiled = getattr(module, "__file__", None), getattr(module, "__cached__", None)
        if source and compiled and source.endswith(".py") and not Path(compiled).exists():
            py_compile.compile(source, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


if __name__ == "__main__":
    load()
    compile_loaded()
