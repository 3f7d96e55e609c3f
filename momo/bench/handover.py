"""`handover`: joins in partitions, decided in order by workers on two hosts that are cut off in turn."""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientResponseError
from msgspec.structs import replace

from contracts.meeting import JoinMeeting
from contracts.topology import QUEUES
from momo.bench.ground import Figures, Ground
from momo.bench.joins import joins, pour, publishing
from momo.bench.meetings import open_meetings
from momo.bench.partitioned import JOINS, joins_split
from momo.bench.watched import Watched, watched
from momo.broker.envelope import ACTOR, Envelope, seal
from momo.broker.identity import fresh_id
from momo.broker.management import ask, vhost_of
from momo.broker.topology import declare, topology
from momo.hosts.network import network
from momo.local.servers import private_servers
from momo.local.stage import prepare
from momo.settings import Settings
from momo.stopping import rest
from momo.store.connection import Connection, connected

PARTITIONS = 8
MEETINGS = 500
EVERY_SECONDS = 1.0
PATIENCE = 600.0


async def handover(ground: Ground) -> Figures:
    """`Size.handover` joins of full meetings, whose waitlists number members in the order of the decisions.

    Raises RuntimeError where a member is missing or out of order, and LocalError where hosts can't be made."""
    messages = ground.size.handover
    async with network(["servers", "one", "two"]) as (home, *hosts):
        with tempfile.TemporaryDirectory(prefix="momo-handover-") as folder:
            async with private_servers(Path(folder), place=home.place) as servers:
                settings = replace(await prepare(servers), log_level="WARNING")
                queue = joins_split(PARTITIONS)
                await declare(settings.amqp_url, topology([queue if q.name == JOINS else q for q in QUEUES]))
                program = (sys.executable, "-m", "momo.bench.partitioned", str(PARTITIONS))
                addresses = [host.place.address for host in hosts]
                one, two = (
                    watched(
                        replace(settings, host=host.place.address), "meeting", program=(*host.place.within, *program)
                    )
                    for host in hosts
                )
                async with connected(settings.db_url("meeting")) as database, one as first, two as second:
                    return await _measured(settings, addresses, (first, second), database, messages)


async def _measured(
    settings: Settings, hosts: Sequence[str], workers: Sequence[Watched], database: Connection, messages: int
) -> Figures:
    first = await open_meetings(database, MEETINGS, capacity=1)
    began = time.perf_counter()
    done = asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        cutting = tasks.create_task(_cut_in_turn(settings, hosts, done))
        async with publishing(settings) as publisher:
            await pour(publisher, _sealed(joins(first, MEETINGS, messages)), in_flight=1)
        while await _decided(database) < messages:  # noqa: ASYNC110 - only its rows tell
            await asyncio.sleep(0.2)
        took = time.perf_counter() - began
        done.set()
    cut = cutting.result()
    turns = sum([(await worker.figures())["turns"] for worker in workers])
    await _compared(database, messages)
    handovers = int(turns) - PARTITIONS  # the first turn of each comes from nobody
    return {
        "messages": messages,
        "cuts": cut,
        "handovers": handovers,
        "handovers_per_second": round(handovers / took, 1),
        "seconds": round(took, 1),
        "out_of_order": 0,
        "lost": 0,
    }


def _sealed(messages: Iterable[JoinMeeting]) -> Iterator[Envelope]:
    """As `seal` does where the topology has the partitions."""
    for message in messages:
        yield replace(seal(message, message_id=fresh_id()), headers={ACTOR: str(message.meeting_id)})


async def _cut_in_turn(settings: Settings, hosts: Sequence[str], done: asyncio.Event) -> int:
    """Has the broker end all connections of one of `hosts` after the other, once a second until `done`; how often."""
    url, vhost = settings.amqp_management_url, vhost_of(settings.amqp_url)
    cut = 0
    began = time.monotonic()
    while not done.is_set():
        await rest(done, max(0.05, began + (cut + 1) * EVERY_SECONDS - time.monotonic()))
        there = [each["name"] for each in await ask(url, "GET", "vhosts", vhost, "connections")]
        names = [name for name in there if name.startswith(f"{hosts[cut % len(hosts)]}:")]
        for name in names:
            with suppress(ClientResponseError):  # it has ended by itself
                await ask(url, "DELETE", "connections", name)
        cut += bool(names)
    return cut


async def _decided(database: Connection) -> int:
    [(count,)] = await database.rows("SELECT COUNT(*) FROM meeting_participants")
    return int(count)


async def _compared(database: Connection, messages: int) -> None:
    rows = await database.rows(
        "SELECT meeting_id, member_id FROM meeting_participants ORDER BY meeting_id, waitlist_no"
    )
    if len(rows) != messages:
        raise RuntimeError(f"{messages} members joined, and {len(rows)} have a place")
    # members were numbered as they were sent
    wrong = sum(one[0] == other[0] and one[1] > other[1] for one, other in itertools.pairwise(rows))
    if wrong:
        raise RuntimeError(f"{wrong} of {messages} members stand before one who came earlier")
