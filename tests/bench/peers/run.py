"""Runs the peers: each setting once, the best again; messages/s from the first inbox row to the last event."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiormq

from momo.broker.management import add_vhost, ask
from momo.local import process
from momo.settings import Settings
from momo.store.connection import Connection, connected
from momo.store.literal import tuples
from tests.bench.peers import durable
from tests.bench.peers.environment import ROOT, interpreter
from tests.bench.peers.setting import CONTENDER, LIMIT, LIMIT_MESSAGES, SETTINGS, Setting

DATABASE = "momo_bench_peers"
VHOST = "momo-bench-peers"
MEETINGS = 100
PATIENCE = 120.0
"""Seconds for one fill, and for one drain."""
POLL = 0.02
GRACE = 10.0
LAST_WORDS = 2_000
"""Bytes of a failed peer's output that are shown."""

_TABLES = {
    "peer_meetings": "meeting_id BIGINT PRIMARY KEY, capacity INT NOT NULL, seated INT NOT NULL",
    "peer_participants": """meeting_id BIGINT NOT NULL, member_id BIGINT NOT NULL, nickname VARCHAR(64) NOT NULL,
        joined_at DATETIME(6) NOT NULL, PRIMARY KEY (meeting_id, member_id)""",
    "peer_inbox": """message_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
        handled_at DATETIME(6) NOT NULL""",
}


class PeerFailed(Exception):
    """A peer did not do the work, or did it wrongly; the text says which and how."""


async def peers(
    settings: Settings, *, messages: int = 4_000, repeat: int = 3, say: Callable[[str], None] = print
) -> dict[str, float]:
    """Messages/s of each peer, by name, at the setting with the best median; `handwritten` is the limit.

    The first of `repeat` rounds tries every setting, the others those that came near the best. A round takes the peers
    in turn, so that a noisy spell hits all alike. `messages` is for those that handle one at a time; the limit gets
    eight times as many. Raises PeerFailed, EnvironmentFailed.
    """
    python = await interpreter(say)
    runs: dict[str, dict[Setting, list[float]]] = {name: {s: [] for s in tried} for name, tried in SETTINGS.items()}
    for number in range(repeat):
        for name, tried in runs.items():
            count = messages * LIMIT_MESSAGES if name == LIMIT else messages
            for setting in _contenders(tried) if number else tried:
                rate = await _rate(settings, python, name, setting, count)
                tried[setting].append(rate)
                say(f"peers {name}, {setting}, {number + 1}/{repeat}: {rate:.0f}/s")
    rates: dict[str, float] = {}
    for name, tried in runs.items():
        medians = {setting: statistics.median(tried[setting]) for setting in _contenders(tried)}
        best = max(medians, key=medians.__getitem__)
        rates[name] = round(medians[best])
        say(f"peers {name}: {rates[name]:g}/s ({min(tried[best]):.0f} to {max(tried[best]):.0f}) with {best}")
    return rates


def _contenders(tried: Mapping[Setting, Sequence[float]]) -> list[Setting]:
    """The settings whose first rate came near the best first rate."""
    best = max(rates[0] for rates in tried.values())
    return [setting for setting, rates in tried.items() if rates[0] >= CONTENDER * best]


async def _rate(settings: Settings, python: Path, name: str, setting: Setting, messages: int) -> float:
    """One run on empty tables and a fresh virtual host."""
    amqp_url = urlsplit(settings.amqp_url)._replace(path=f"/{VHOST}").geturl()
    server = settings.meeting_db_url.rpartition("/")[0]
    variables = {
        "PYTHONPATH": str(ROOT),
        "PEER_AMQP_URL": amqp_url,
        "PEER_DATABASE_URL": f"{server}/{DATABASE}",
        "PEER_PROCESSES": str(setting.processes),
        "PEER_CONCURRENCY": str(setting.concurrency),
        "PEER_MESSAGES": str(messages),
        "PEER_MEETINGS": str(MEETINGS),
    }
    async with connected(settings.meeting_db_url) as admin:
        await admin.change(f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4")
    await add_vhost(settings.amqp_management_url, VHOST)
    try:
        async with connected(variables["PEER_DATABASE_URL"]) as database:
            for table, columns in _TABLES.items():
                await database.change(f"CREATE OR REPLACE TABLE {table} ({columns}) ENGINE=InnoDB")
            rows = tuples((number, messages, 0) for number in range(1, MEETINGS + 1))
            await database.change(f"INSERT INTO peer_meetings (meeting_id, capacity, seated) VALUES {rows}")
            async with _peer(python, name, "fill", variables) as filler, asyncio.timeout(PATIENCE):
                if code := await filler.wait():
                    raise PeerFailed(f"it could not fill its queue, and ended with {code}")
            async with _peer(python, name, "work", variables) as worker:
                seconds = await _until_done(database, amqp_url, worker, messages)
            await _verify(database, amqp_url, name, messages)
    finally:
        await ask(settings.amqp_management_url, "DELETE", "vhosts", VHOST)
    return messages / seconds


async def _until_done(database: Connection, amqp_url: str, worker: asyncio.subprocess.Process, messages: int) -> float:
    """Seconds from the first inbox row until all are seated and as many events lie in their queue."""
    seated = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while seated < messages:
                await asyncio.sleep(POLL)
                if worker.returncode is not None:
                    raise PeerFailed(f"it ended with {worker.returncode} after {seated} of {messages}")
                [(seated,)] = await database.rows("SELECT SUM(seated) FROM peer_meetings")
            while await _waiting(amqp_url, durable.EVENTS) < messages:
                pass  # a round trip each
            ended = time.time()
    except TimeoutError:
        raise PeerFailed(f"it had seated {seated} of {messages} after {PATIENCE:g} s") from None
    [(started,)] = await database.rows("SELECT UNIX_TIMESTAMP(MIN(handled_at)) FROM peer_inbox")
    return ended - float(started)


async def _verify(database: Connection, amqp_url: str, name: str, messages: int) -> None:
    """Raises PeerFailed where a member is not seated or counted twice, an event is doubled, or a command not acked."""
    [found] = await database.rows(
        "SELECT (SELECT COUNT(*) FROM peer_inbox), (SELECT COUNT(*) FROM peer_participants),"
        " (SELECT COUNT(DISTINCT member_id) FROM peer_participants), (SELECT SUM(seated) FROM peer_meetings),"
        " (SELECT COUNT(*) FROM peer_meetings m WHERE seated <> (SELECT COUNT(*) FROM peer_participants p"
        " WHERE p.meeting_id = m.meeting_id))"
    )
    events, left = await _waiting(amqp_url, durable.EVENTS), await _waiting(amqp_url, durable.COMMANDS)
    facts = (*map(int, found), events, left)
    if facts != (messages, messages, messages, messages, 0, messages, 0):
        raise PeerFailed(
            f"{name}: inbox rows, participants, members, seats, meetings miscounted, events, commands left:"
            f" {facts} for {messages} commands"
        )


async def _waiting(amqp_url: str, queue: str) -> int:
    connection = await aiormq.connect(amqp_url)
    try:
        channel = await connection.channel(publisher_confirms=False)
        return int((await channel.queue_declare(queue, passive=True)).message_count or 0)
    finally:
        await connection.close()


@asynccontextmanager
async def _peer(
    python: Path, name: str, role: str, variables: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The peer as a process group of its own; it is told to end with the block, and killed if it does not in time.

    A PeerFailed or TimeoutError of the block is raised with the peer's name and the last that it said.
    """
    program = (str(python), "-m", f"tests.bench.peers.{name}", role)
    with tempfile.TemporaryFile() as said:
        # told, not killed, when this process dies: it has children of its own to end
        child = await process.spawn(program, {**os.environ, **variables}, said, orphaned=signal.SIGTERM)
        try:
            yield child
        except (PeerFailed, TimeoutError) as error:
            said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_WORDS))
            words = said.read().decode(errors="replace")
            raise PeerFailed(f"{name}: {error or 'it took too long'}; the last it said: {words}") from error
        finally:
            await process.finish(child, GRACE)
