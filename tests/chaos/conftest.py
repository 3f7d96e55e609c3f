"""One site for the tests of the rig's stage and faults: it must have settled again after each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from momo.chaos.faults import broker, database, processes, provider, wire
from momo.chaos.site import Site, open_site


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with open_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults last as long as it takes to see them."""
    monkeypatch.setattr(provider, "TROUBLE_SECONDS", 1.5)
    monkeypatch.setattr(database, "READ_ONLY_SECONDS", 1.5)
    monkeypatch.setattr(database, "FULL_SECONDS", 1.5)
    monkeypatch.setattr(database, "LOCKED_SECONDS", 1.5)
    monkeypatch.setattr(broker, "YOUNG_SECONDS", 0.0)
    monkeypatch.setattr(wire, "SLOW_SECONDS", 2.5)
    monkeypatch.setattr(processes, "SKEWED_SECONDS", 2.0)
