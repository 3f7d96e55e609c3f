"""A release of the contracts as data, kept beside them as `contracts/releases/<version>.json`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

import contracts
from contracts.base import Message
from contracts.examples import EXAMPLES
from contracts.topology import QUEUES, Queue
from momo.releases.schemas import Side

SOURCE = Path(contracts.__file__).parent
FOLDER = SOURCE / "releases"
_REFERENCE = "#/schemas/{name}"


class ReleaseError(Exception):
    """A release that can't be read or made; the text says why."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What travels under one routing key. `example` is a message of it."""

    name: str
    version: int
    schema: dict[str, Any]
    example: dict[str, Any]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A queue: whose it is, and under which key it is filled."""

    key: str
    service: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts by routing key, the queues by name, and the schemas that both mean."""

    version: str
    contracts: dict[str, Contract]
    queues: dict[str, Route]
    schemas: dict[str, dict[str, Any]]

    def schema(self, key: str) -> Side:
        return Side(self.contracts[key].schema, self.schemas)


def described(version: str, queues: Sequence[Queue] = QUEUES, examples: Iterable[Message] = EXAMPLES) -> Release:
    """The contracts of `queues` as they are now, called `version`. Raises KeyError where one has no example."""
    by_key = {queue.key: queue.contract for queue in queues}
    messages = {type(example): msgspec.json.decode(msgspec.json.encode(example)) for example in examples}
    found, components = msgspec.json.schema_components(by_key.values(), ref_template=_REFERENCE)
    known = {
        key: Contract(name=contract.__name__, version=contract.wire_version, schema=schema, example=messages[contract])
        for (key, contract), schema in zip(by_key.items(), found, strict=True)
    }
    release = Release(
        version=version,
        contracts=known,
        queues={queue.name: Route(key=queue.key, service=queue.service) for queue in queues},
        schemas=components,
    )
    # as one that is read from its file, where a default of () is one of []
    return msgspec.json.decode(msgspec.json.encode(release), type=Release)


def read(file: Path) -> Release:
    """Raises ReleaseError."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Release)
    except (OSError, msgspec.DecodeError) as error:
        raise ReleaseError(f"{file} is no release: {error}") from error


def last(folder: Path = FOLDER) -> Path:
    """The file of the newest release. Raises ReleaseError where there is none."""
    files = sorted(folder.glob("*.json"), key=lambda file: [int(part) for part in file.stem.split(".")])
    if not files:
        raise ReleaseError(f"there is no release in {folder}; `momo contracts release` makes one")
    return files[-1]


def write(release: Release, folder: Path = FOLDER) -> Path:
    """Keeps `release`. Raises ReleaseError where there is one of its version: what was released stays as it was."""
    file = folder / f"{release.version}.json"
    content = msgspec.json.format(msgspec.json.encode(release, order="sorted"), indent=2) + b"\n"
    try:
        with file.open("xb") as opened:
            opened.write(content)
    except FileExistsError as error:
        raise ReleaseError(f"{file} is there already: raise the version in pyproject.toml first") from error
    return file


def version() -> str:
    """The version that a release made now has. Raises ReleaseError where this is no source tree."""
    file = SOURCE.parent / "pyproject.toml"
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, LookupError, tomllib.TOMLDecodeError) as error:
        raise ReleaseError(f"releases are made in a source tree: {file}: {error}") from error
