"""Fixtures that the whole suite shares: one set of private servers, started once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from momo.local.servers import Servers, private_servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """RabbitMQ, MariaDB and Redis on free ports with their data in a temporary folder."""
    async with private_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running
