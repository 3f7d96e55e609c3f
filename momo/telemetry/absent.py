"""Absent modules: what a library would load only because it happens to be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast


@contextmanager
def absent(name: str) -> Iterator[None]:
    """While inside, the module `name` is as if it were not installed, unless it is loaded already."""
    modules = cast("dict[str, object]", sys.modules)
    loaded = name in modules
    modules.setdefault(name, None)
    try:
        yield
    finally:
        if not loaded:
            del modules[name]
