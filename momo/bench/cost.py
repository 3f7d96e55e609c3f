"""`cost`: what one message costs each part, at some rates and as quick as it goes: what `momo size` counts with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from itertools import islice

from msgspec.structs import replace

from contracts.topology import queue_named
from momo.bench.ground import Figures, Ground, reset, tables_of
from momo.bench.joins import by_schedule, fill, pour, publishing, sealed
from momo.bench.lines import Answered, lines, listening
from momo.bench.meetings import open_meetings
from momo.bench.meter import Meter, spent
from momo.bench.requests import CAPACITY, MEETINGS, Joiners
from momo.bench.timing import quiet
from momo.bench.watched import Watched, watched
from momo.bench.ways import RATES, WAYS, Way, sandbox
from momo.gateway.passwords import Passwords
from momo.local.stage import process
from momo.store.connection import connected

WARM = 0.05
"""The share of the messages that goes first, and is not counted."""
LINES = 64
HASHES = 20
PATIENCE = 3_600.0


async def cost(ground: Ground) -> Figures:
    """Of each way at each rate and in bulk (`push.400.worker_us`), for one message: µs of CPU by part, bytes, flushes
    to disk; how many a `flush` took, and its `flush_us`; the `rate` itself. Of the gateway the same for a command. What
    the parts use when idle (`idle.*`, µs a second) is taken off. Raises RuntimeError, and TimeoutError where messages
    are not handled."""
    figures = await _idle(ground)
    idle = {name.removeprefix("idle."): value for name, value in figures.items()}
    for name, way in WAYS.items():
        for point, found in (await way_cost(ground, way, idle)).items():
            figures |= {f"{name}.{point}.{figure}": value for figure, value in found.items()}
        if queue_named(way.queue).kind == "decision":
            figures |= {f"{name}.{kept}": value for kept, value in (await _stored(ground, name)).items()}
    figures |= await _published(ground)
    figures |= await _gateway(ground, idle)
    figures["hash_us"] = await _hash()
    await reset(ground.settings)
    ground.costs = {name: round(value, 2) for name, value in figures.items()}
    return ground.costs


async def _idle(ground: Ground) -> Figures:
    settings = ground.settings
    await reset(settings)
    async with process(settings, "serve") as gateway, process(settings, "relay") as relay, watched(settings) as worker:
        await listening(f"http://{settings.host}:{settings.port}")
        meter = Meter(ground, {"gateway": [gateway.pid], "relay": [relay.pid], "worker": [worker.pid]})
        await asyncio.sleep(1)  # what starts up is not idle yet
        before, began = meter.cpu(), time.perf_counter()
        await asyncio.sleep(ground.size.seconds / 2)
        found = spent(before, meter.cpu(), time.perf_counter() - began)
    return {f"idle.{name}": value for name, value in found.items()}


async def way_cost(ground: Ground, way: Way, idle: Figures) -> dict[str, Figures]:
    """The figures of one way by point: each of its rates, and `bulk`. Raises TimeoutError."""
    settings, size = ground.settings, ground.size
    await reset(settings)
    bulk = int(size.spread * way.share)
    counts = {rate: int(rate * size.seconds) for rate in way.rates}
    warm = max(1, int(bulk * WARM))
    async with way.beside(settings), watched(settings, way.queue) as worker, publishing(settings) as publisher:
        if way.beside is sandbox:
            await listening(settings.toss_url)
        messages = iter(await way.messages(settings, warm + bulk + sum(counts.values())))
        await pour(publisher, list(sealed(islice(messages, warm))))
        await worker.until(way.queue, warm)
        meter = Meter(ground, {"worker": [worker.pid]})
        run = Run(meter, worker, way.queue, idle)
        for rate, count in counts.items():
            envelopes = list(sealed(islice(messages, count)))
            async with run.of(f"{rate}", count):
                with quiet():
                    await by_schedule(publisher, envelopes, rate)
        async with run.of("bulk", bulk):
            await pour(publisher, list(sealed(messages)))
    return run.found


class Run:
    """Measurements of one worker, one after the other; `found` has the figures of each, by name."""

    def __init__(self, meter: Meter, worker: Watched, queue: str, idle: Figures) -> None:
        self.found: dict[str, Figures] = {}
        self._meter = meter
        self._worker = worker
        self._queue = queue
        self._idle = idle

    @asynccontextmanager
    async def of(self, name: str, count: int) -> AsyncIterator[None]:
        """Measures from the beginning of the block until `count` more messages are handled."""
        counters, first = await self._meter.counters(), await self._worker.figures()
        cpu, began = self._meter.cpu(), time.perf_counter()
        yield
        last = await self._worker.until(self._queue, first.get(self._queue, 0.0) + count)
        seconds = time.perf_counter() - began
        used = spent(cpu, self._meter.cpu(), count)
        figures = {name: max(0.0, value - self._idle[name] * seconds / count) for name, value in used.items()}
        figures |= spent(counters, await self._meter.counters(), count)
        figures["rate"] = count / seconds
        if flushes := last["flushes"] - first["flushes"]:
            figures["flush"] = (last["flushed"] - first["flushed"]) / flushes
            figures["flush_us"] = (last["flush_seconds"] - first["flush_seconds"]) / flushes * 1e6
        self.found[name] = figures


async def _stored(ground: Ground, service: str) -> Figures:
    """Bytes that stay in the database for each row of the inbox: its own, and all."""
    async with connected(ground.settings.db_url(service)) as database:
        [(rows,)] = await database.rows("SELECT COUNT(*) FROM inbox")
        names = ", ".join(f"`{name}`" for name in await tables_of(database))
        await database.rows(f"ANALYZE TABLE {names}")
        sizes: dict[str, int] = dict(
            await database.rows(
                "SELECT table_name, data_length + index_length FROM information_schema.tables"
                " WHERE table_schema = DATABASE()"
            )
        )
    return {"inbox_bytes": float(sizes["inbox"]) / rows, "stored_bytes": float(sum(sizes.values())) / rows}


async def _published(ground: Ground) -> Figures:
    """What RabbitMQ needs to take a message that nobody consumes."""
    await reset(ground.settings)
    count = ground.size.spread
    meter = Meter(ground, {})
    messages = await WAYS["push"].messages(ground.settings, count)
    counters, cpu = await meter.counters(), meter.cpu()
    began = time.perf_counter()
    await fill(ground.settings, messages)
    seconds = time.perf_counter() - began
    used = spent(cpu, meter.cpu(), count) | spent(counters, await meter.counters(), count)
    kept = {name: used[name] for name in ("rabbitmq_us", "rabbitmq_disk_bytes", "rabbitmq_fsyncs")}
    return {f"publish.{name}": value for name, value in (kept | {"rate": count / seconds}).items()}


async def _gateway(ground: Ground, idle: Figures) -> Figures:
    """Joins with a key. What the database does for them is told apart from what it does for the worker: at first there
    is none, and the commands are only accepted; then each waits for its outcome."""
    settings, size = replace(ground.settings, shed_lag_seconds=PATIENCE), ground.size
    await reset(settings)
    async with connected(settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS, capacity=CAPACITY)
    joiners = Joiners(settings, first)
    bulk = size.requests * 5
    counts = {rate: int(rate * size.seconds) for rate in RATES}
    address = f"http://{settings.host}:{settings.port}"
    figures: Figures = {}
    async with process(settings, "serve") as gateway:
        await listening(address)
        meter = Meter(ground, {"gateway": [gateway.pid]})

        async def measured(wait: int, names: Sequence[str]) -> None:
            async with lines(address, LINES) as to:
                await to.saturate(joiners.ask(LINES, wait=wait, keyed=True))
                for rate, count in (*counts.items(), (0, bulk)):
                    requests = joiners.ask(count, wait=wait, keyed=True)
                    load = to.offer(requests, rate) if rate else to.saturate(requests)
                    found = await _load(meter, load, requests, idle)
                    figures.update({f"gateway.{rate or 'bulk'}.{name}": found[name] for name in names})

        await measured(0, ("mariadb_us", "sql_bytes"))
        async with watched(settings, "meeting.join.queue") as worker:
            await worker.until("meeting.join.queue", sum(counts.values()) + bulk)
            await measured(30, ("gateway_us", "redis_us", "redis_bytes", "redis_ops", "client_bytes", "rate"))
    return figures


async def _load(meter: Meter, load: Awaitable[Answered], requests: Sequence[bytes], idle: Figures) -> Figures:
    count = len(requests)
    counters, cpu = await meter.counters(), meter.cpu()
    began = time.perf_counter()
    with quiet():
        answered = await load
    if other := set(answered.statuses) - {200, 202}:
        raise RuntimeError(f"joins were answered {sorted(other)}")
    seconds = time.perf_counter() - began
    used = spent(cpu, meter.cpu(), count)
    figures = {name: max(0.0, value - idle[name] * seconds / count) for name, value in used.items()}
    figures |= spent(counters, await meter.counters(), count)
    size = answered.size + sum(map(len, requests))
    return {**figures, "client_bytes": size / count, "rate": count / seconds}


async def _hash() -> float:
    """µs of CPU for one password."""
    passwords = Passwords()
    await passwords.hash("warm")
    began = time.process_time()
    for number in range(HASHES):
        await passwords.hash(f"password-{number}")
    used = time.process_time() - began
    passwords.close()
    return used / HASHES * 1e6
