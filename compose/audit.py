"""Asks OSV (https://osv.dev) for known vulnerabilities of every package that a lock pins; `make check` runs it.

    python compose/audit.py requirements.lock

Exit 1 where there are any. Where the service can't be reached it says that nothing was audited, and exits 0: a check
that needs the network must not fail without one. `OSV_URL` names another service of the same interface.
"""

# ruff: noqa: INP001, T201, S310 - a program of its own, which prints, and asks an address that its caller gives
from __future__ import annotations

import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SERVICE = "https://api.osv.dev"
SECONDS = 20
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


class Unreachable(Exception):
    """The service did not answer, or with something else than its interface promises."""


def pinned(lock: str) -> list[tuple[str, str]]:
    """Names and versions in the text of a lock."""
    return [(name, version) for name, version in _PINNED.findall(lock)]


def vulnerabilities(packages: list[tuple[str, str]], service: str) -> dict[tuple[str, str], list[str]]:
    """Ids of what is known about each package that anything is known about. Raises Unreachable."""
    queries = [{"package": {"name": n, "ecosystem": "PyPI"}, "version": v} for n, v in packages]
    request = urllib.request.Request(
        f"{service}/v1/querybatch",
        data=json.dumps({"queries": queries}).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "momo-audit"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            results: list[dict[str, Any]] = json.load(response)["results"]
        found = [[str(known["id"]) for known in result.get("vulns", ())] for result in results]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreachable(f"{service}: {type(error).__name__}: {error}") from error
    if len(found) != len(packages):
        raise Unreachable(f"{service} answered for {len(found)} of {len(packages)} packages")
    return {package: ids for package, ids in zip(packages, found, strict=True) if ids}


def main(lock: Path, service: str) -> int:
    packages = pinned(lock.read_text(encoding="utf-8"))
    if not packages:
        print(f"audit: {lock} pins nothing", file=sys.stderr)
        return 1
    try:
        found = vulnerabilities(packages, service)
    except Unreachable as error:
        print(f"audit: NOTHING WAS AUDITED, no vulnerability service can be reached ({error})", file=sys.stderr)
        return 0
    for (name, version), ids in found.items():
        print(f"audit: {name} {version} is vulnerable: {', '.join(ids)}", file=sys.stderr)
    if not found:
        print(f"audit: {len(packages)} packages, none with a known vulnerability")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), os.environ.get("OSV_URL", SERVICE)))
