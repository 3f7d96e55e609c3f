"""compose/requirements.lock: what the images install is what everybody else runs, without what only tests need."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.image.dockerfile import ROOT


def locked(path: str) -> dict[str, str]:
    """Each package's lines: version, markers, hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / path).read_text().strip())
    return {block.partition("==")[0]: block.strip() for block in blocks}


def left_out() -> set[str]:
    lines = (ROOT / "compose" / "requirements-not.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if not line.startswith("#")}


def needed() -> set[str]:
    """What MOMO needs here, what that needs, and so on, without what is left out."""
    waiting = [(Requirement(text), "") for text in project()["dependencies"]]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted, extra = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (wanted.marker and not wanted.marker.evaluate({"extra": extra})) or name in left_out():
            continue
        found.add(name)
        for extra_wanted in {"", *wanted.extras} - {known for other, known in seen if other == name}:
            seen.add((name, extra_wanted))
            waiting += [(Requirement(text), extra_wanted) for text in requires(name) or ()]
    return found


def project() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def test_each_line_stands_in_the_lock_of_everything_too() -> None:
    everything, images = locked("requirements.lock"), locked("compose/requirements.lock")
    assert {name: everything.get(name) for name in images} == images


def test_all_that_momo_needs_is_locked_and_what_else_is_belongs_to_other_systems() -> None:
    images = locked("compose/requirements.lock")
    assert needed() <= set(images)
    assert all(" ; " in images[name].splitlines()[0] for name in set(images) - needed())


def test_what_is_left_out_is_in_the_lock_of_everything() -> None:
    assert left_out() == {"polyfactory"}
    assert left_out() <= set(locked("requirements.lock")) - set(locked("compose/requirements.lock"))
