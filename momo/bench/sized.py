"""`sized`: what `momo size` counts with, held against what a whole MOMO does here: parts' CPU, and the drain rate."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from contracts.payment import DEFAULT_REFUND_POLICY
from momo.bench.drained import joined
from momo.bench.ground import Figures, Ground, reset
from momo.bench.hearing import hearing
from momo.bench.lines import listening
from momo.bench.meetings import open_meetings
from momo.bench.meter import Meter, spent
from momo.bench.requests import CAPACITY
from momo.bench.shop import MEETINGS, Shop, shopping
from momo.bench.watched import LOOK, Watched, watched
from momo.bench.ways import AMOUNT, open_accounts
from momo.live import push_channel
from momo.local.readiness import until_ready
from momo.local.stage import process
from momo.settings import DATABASES, Settings
from momo.sizing.costs import Costs, load
from momo.sizing.predicted import drain_rate, parts
from momo.store.connection import connected

SHARES = (0.1, 0.2, 0.4)
"""Of the commands that the model says fit here: what is offered."""
FULL = 0.9
"""The share of the cores that counts as all of them."""
SETTLED = 30.0


async def sized(ground: Ground) -> Figures:
    """Predicted and measured cores of each part at some rates of the mix over HTTP, and messages/s of the drain;
    `*_off` is by how much the prediction differs from the measurement. The costs are those of the `cost` case where it
    ran before, else those that MOMO comes with. Raises RuntimeError where a command is not accepted."""
    costs = Costs(figures=ground.costs, machine="", day="") if ground.costs else load()
    cores = os.cpu_count() or 1
    measured = (await joined(ground, ground.size.drain, 100)).rate
    figures = _compared("drain.rate", drain_rate(costs, cores), measured)
    fits = _fits(costs, cores)
    for share in SHARES:
        rate = round(fits * share)
        for part, (predicted, found) in (await _mix(ground, costs, rate)).items():
            figures |= _compared(f"{rate}.{part}", predicted, found)
    await reset(ground.settings)
    return figures


def _compared(name: str, predicted: float, measured: float) -> Figures:
    return {
        f"{name}_predicted": round(predicted, 3),
        f"{name}_measured": round(measured, 3),
        f"{name}_off": round(predicted / measured - 1, 3) if measured else 0.0,
    }


def _fits(costs: Costs, cores: int) -> float:
    """The commands/s of the mix that take all of `cores`."""
    low, high = 1.0, 100_000.0
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if sum(parts(costs, middle, cores).values()) < cores * FULL else (low, middle)
    return low


async def _mix(ground: Ground, costs: Costs, rate: float) -> dict[str, tuple[float, float]]:
    """Predicted and measured cores by part, and of all together."""
    settings = ground.settings
    await reset(settings)
    async with connected(settings.db_url("meeting")) as database:
        free = await open_meetings(database, MEETINGS, capacity=CAPACITY)
        paid = await open_meetings(database, MEETINGS, capacity=CAPACITY, fee=AMOUNT, policy=DEFAULT_REFUND_POLICY)
    await open_accounts(settings)
    async with whole(settings) as (pids, workers), aiohttp.ClientSession() as client:
        shop = Shop(settings, client, free, paid)
        meter = Meter(ground, pids)
        async with hearing(settings, push_channel(0).replace("0", "*"), shop.notice):
            await shopping(shop, rate, int(rate))  # a second of it, to be warm
            before, first, began = meter.cpu(), shop.commands, time.perf_counter()
            await shopping(shop, rate, int(rate * ground.size.seconds))
            await settled(workers)
            used = meter.cpu()
            seconds = time.perf_counter() - began
    took = {name.removesuffix("_us"): value / 1e6 for name, value in spent(before, used, seconds).items()}
    predicted = parts(costs, (shop.commands - first) / seconds, os.cpu_count() or 1)
    found = {name: (predicted[name], took[name]) for name in predicted}
    return {**found, "all": (sum(predicted.values()), sum(took[name] for name in predicted))}


@asynccontextmanager
async def whole(settings: Settings) -> AsyncIterator[tuple[dict[str, list[int]], list[Watched]]]:
    """Gateway, relay, sandbox and a worker a service: process ids by part, and the workers."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process(settings, "toss-sandbox"))
        gateway = await stack.enter_async_context(process(settings, "serve"))
        relay = await stack.enter_async_context(process(settings, "relay"))
        workers = {f"{name} worker": await stack.enter_async_context(watched(settings, name)) for name in DATABASES}
        await until_ready(f"http://{settings.host}:{settings.port}/health/ready")
        await listening(settings.toss_url)
        pids = {"gateway": [gateway.pid], "relay": [relay.pid], **{name: [w.pid] for name, w in workers.items()}}
        yield pids, list(workers.values())


async def settled(workers: list[Watched]) -> None:
    """Returns when no worker has handled anything between two looks. Raises TimeoutError."""
    async with asyncio.timeout(SETTLED):
        before: list[Figures] = []
        while (now := [await worker.figures() for worker in workers]) != before:
            before = now
            await asyncio.sleep(5 * LOOK)
