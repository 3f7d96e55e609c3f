"""Builds the images without a Docker engine, runs them on private servers, and says what they weigh and how they start.

    .venv/bin/python compose/image_check

`make image-check` runs it. It needs root, for chroot and mounts. Exit 1 where something is not as it must be.
"""

# ruff: noqa: INP001, T201 - a program of its own, which prints
from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import SIZE_MB, Report, check_content, check_meeting, check_user, weight
from images import BASE, Images

from momo.local.servers import private_servers
from momo.local.stage import prepare

CHECKS = {"meeting": check_meeting, "user": check_user}
"""Two of the services: the others' images differ from theirs in the words they start with."""


def main() -> int:
    if os.geteuid() != 0:
        print("image-check: chroot and mounts need root: run it with sudo", file=sys.stderr)
        return 2
    began, report = time.monotonic(), Report()
    with tempfile.TemporaryDirectory(prefix="momo-images-") as folder:
        try:
            asyncio.run(check(Path(folder), report))
        except subprocess.CalledProcessError as error:
            print(f"image-check: {error}\n{(error.stderr or error.stdout)[-3000:]}", file=sys.stderr)
            return 1
    print(f"{report.missed} missed, {time.monotonic() - began:.0f} s in all")
    return 1 if report.missed else 0


async def check(folder: Path, report: Report) -> None:
    """Builds the images, and runs each."""
    images = Images(folder / "buildah")
    await asyncio.to_thread(images.make_bases)
    base = weight(images.unpacked(BASE))
    print(f"base: {base:.1f} MB, Debian with Python, made by debootstrap", flush=True)
    for service, check_running in CHECKS.items():
        image = await asyncio.to_thread(images.build, f"{service}-service")
        root, config = images.unpacked(image), images.config(image)
        size = weight(root)
        report.tell(f"{image}: {size:.1f} MB, {size - base:.1f} of it ours; bound {SIZE_MB:g}", holds=size <= SIZE_MB)
        check_content(report, root, config, service)
        async with private_servers(folder / f"servers-{service}") as servers:
            await asyncio.to_thread(check_running, report, root, config, await prepare(servers))


if __name__ == "__main__":
    sys.exit(main())
