"""The Compose files as Compose reads them, and what the tests ask of a service in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from momo.settings import DATABASES

FOLDER = Path(__file__).resolve().parents[2] / "compose"
FILES = ("compose.yml", "compose.dev.yml")
SECRETS = "/run/secrets"

Service = dict[str, Any]


def loaded(name: str) -> dict[str, Any]:
    """One file, its anchors merged."""
    return dict(yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))


def merged(base: Any, over: Any) -> Any:
    """`over` laid on `base`: mappings by key, lists one after the other, all else replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: merged(base[key], value) if key in base else value for key, value in over.items()}
    if isinstance(base, list) and isinstance(over, list):
        return base + [value for value in over if value not in base]
    return over


PLAIN = loaded("compose.yml")
DEVELOPMENT = merged(PLAIN, loaded("compose.dev.yml"))
PROJECTS = {"compose.yml": PLAIN, "compose.yml with compose.dev.yml": DEVELOPMENT}


def ours(project: dict[str, Any] = PLAIN) -> dict[str, Service]:
    """The services that run an image of MOMO."""
    return {name: service for name, service in project["services"].items() if service["image"].startswith("momo-")}


def running(word: str, project: dict[str, Any] = PLAIN) -> dict[str, Service]:
    """Those of ours whose command begins with `word`."""
    return {name: service for name, service in ours(project).items() if service["command"][0] == word}


OURS = ours()
JOBS = {name: service for name, service in OURS.items() if service["restart"] == "no"}
PROCESSES = {name: service for name, service in OURS.items() if name not in JOBS}


def urls(service: Service) -> dict[str, str]:
    """The servers that it logs in to, by variable."""
    found = {name: value for name, value in service["environment"].items() if name.endswith("_URL")}
    return {name: value for name, value in found.items() if urlsplit(value).scheme in {"amqp", "mysql", "redis"}}


def databases(service: Service) -> set[str]:
    """The services whose databases it is told of."""
    return {name for name in DATABASES if f"MOMO_{name.upper()}_DB_URL" in service["environment"]}


def user(service: Service) -> str:
    """Whose password it has: the name of its file."""
    return str(service["environment"]["MOMO_PASSWORD_FILE"].removeprefix(f"{SECRETS}/"))


def mounts(service: Service) -> list[tuple[str, str]]:
    """Source and target of each volume."""
    return [(parts[0], parts[1]) for parts in (volume.split(":") for volume in service.get("volumes", ()))]
