"""A day in which every message is published twice."""

from __future__ import annotations

import sys

from momo.demo import demo
from momo.gateway.internal import internal_secret
from momo.local.servers import Servers
from momo.local.stage import prepare, whole
from momo.store.connection import connected

DOUBLED = (sys.executable, "-m", "tests.flows.variant", "doubled")


async def test_day_with_every_message_delivered_twice_differs_in_nothing(servers: Servers) -> None:
    settings = await prepare(servers, "doubled")
    async with whole(settings, workers=2, program=DOUBLED) as address:
        report = await demo(
            address,
            settings.toss_url,
            members=30,
            seed=1,
            progress=False,
            internal_secret=internal_secret(settings.token_secret),
        )
    assert report.differences == []
    async with connected(settings.db_url("meeting")) as database:
        [(handled,)] = await database.rows("SELECT COUNT(*) FROM inbox WHERE queue = 'meeting.join.queue'")
    assert handled > 30
