"""A deploy without a gap: the previous release on the new schema, rolled to this one under load, and back again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from momo.chaos.load import Size
from momo.chaos.report import sentences
from momo.chaos.rig import rigged
from momo.chaos.site import Site, open_site
from momo.local.stage import MOMO
from momo.settings import DATABASES
from momo.store.migrate import folder
from tests.deploys.previous import ROOT, program, unpacked

EXPANDS = re.compile(r"CREATE (TABLE|INDEX|UNIQUE INDEX)\b|ALTER TABLE \S+ ADD\b|INSERT INTO\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("previous"))


@pytest.mark.timeout(300)
async def test_upgrade_and_rollback_under_load_lose_double_and_fail_no_command(previous: Path, tmp_path: Path) -> None:
    """The schema and the queues are this release's from the beginning, as a deploy's first step makes them."""
    async with (
        open_site(tmp_path, program=program(previous)) as site,
        rigged(site.settings, site.gateways, seed=7, size=Size(rate=40.0, clients=40, members=60)) as rig,
    ):
        assert folders(site) == {previous}
        await rig.begin()
        accepted = [0]
        for release, where in ((MOMO, Path.cwd()), (program(previous), previous)):
            await rolled(site, release)
            assert folders(site) == {where}
            accepted.append(rig.book.accepted)
        found = await rig.end(90)
    assert sentences(found) == []
    # commands were taken while each of the two was rolled out
    assert all(later - earlier > 50 for earlier, later in itertools.pairwise(accepted)), accepted


def test_migrations_since_the_previous_release_only_add(previous: Path) -> None:
    """What its code still reads and writes must stay as it is: taking away is for the release after."""
    new = [
        file
        for service in DATABASES
        for file in sorted((folder() / service).glob("V*.sql"))
        if not (previous / file.relative_to(ROOT)).exists()
    ]
    for file in new:
        text = re.sub(r"--.*|'[^']*'", "", file.read_text())
        for statement in filter(None, map(str.strip, text.split(";"))):
            assert EXPANDS.match(statement), f"{file.name}: {statement[:60]}"
            for added in re.findall(r"\bADD COLUMN\b[^,]+", statement, re.IGNORECASE):
                assert "NOT NULL" not in added or "DEFAULT" in added, f"{file.name}: {added}"


def test_migrations_of_the_previous_release_are_as_they_were(previous: Path) -> None:
    files = sorted((previous / "migrations").rglob("V*.sql"))
    assert files
    changed = [f.name for f in files if f.read_text() != (ROOT / f.relative_to(previous)).read_text()]
    assert changed == []


async def rolled(site: Site, release: Sequence[str]) -> None:
    """One process after the other is told to end, and started as that of `release`."""
    for role in ("worker", "relay", "gateway"):
        for child in site.role(role):
            assert await site.stop(child) == 0, child.log.read_text()[-2_000:]
            child.argv = [*release, child.argv[-1]]
            await site.start(child)
            await site.ready(child)
    await site.settled()


def folders(site: Site) -> set[Path]:
    """Where the processes run."""
    return {Path(f"/proc/{child.pid}/cwd").readlink() for child in site.members}
