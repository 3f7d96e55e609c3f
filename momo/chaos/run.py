"""`momo chaos`: load on a site while faults strike by a seeded schedule, then the ledger."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from momo.chaos.client import clock
from momo.chaos.faults import FAULTS
from momo.chaos.load import Size
from momo.chaos.members import Members, Unsettled
from momo.chaos.report import Report, figures, sentences
from momo.chaos.rig import Rig, rigged
from momo.chaos.schedule import draw
from momo.chaos.site import Site, open_site
from momo.local.stage import MOMO

Say = Callable[[str], None]
S = TypeVar("S", bound=Members)
S_co = TypeVar("S_co", bound=Members, covariant=True)

PAUSES = (0.5, 4.0)
"""Seconds from one step's recovery to the next step, at least and at most."""
SETTLE_SECONDS = 60.0
PATIENCE = 200.0
"""Longer than a skewed clock can keep an outbox entry from the relay, and than the three minutes after which RabbitMQ
tries again to move what waited for its next attempt into a queue that was missing."""


class Open(Protocol[S_co]):
    """Opens a site with its data in `folder`."""

    def __call__(self, folder: Path, *, program: Sequence[str]) -> AbstractAsyncContextManager[S_co]: ...


class Ground(msgspec.Struct, Generic[S], frozen=True):
    """What a run takes place on: a kind of site, the faults that it can have, and how heavy the load is."""

    open: Open[S]
    faults: Mapping[str, Callable[[S, random.Random], Awaitable[None]]]
    size: Size


ONE_MACHINE: Ground[Site] = Ground(open_site, FAULTS, Size())


def chosen(names: str, ground: Ground[Any] = ONE_MACHINE) -> list[str]:
    """The kinds of a list such as `kill-worker,cut-amqp`; `all` is all. Raises ValueError."""
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in (*ground.faults, "all"):
            raise ValueError(f"there is no fault {name!r}; there are: all, {', '.join(ground.faults)}")
    return [kind for kind in ground.faults if "all" in wanted or kind in wanted]


class Strikes:
    """How often each kind has struck, and how long it took from its end until all was well again, in seconds."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.recovery: dict[str, float] = {}


async def chaos(
    folder: Path,
    *,
    seconds: float,
    seed: int,
    kinds: Sequence[str],
    say: Say,
    ground: Ground[Any] = ONE_MACHINE,
    patience: float = PATIENCE,
    program: Sequence[str] = MOMO,
) -> Report:
    """Runs load and faults for `seconds` on a site under `folder`; learning the last outcomes, giving up places and
    draining may take `patience` seconds each. Raises LocalError where the site can't be started."""
    async with (
        ground.open(folder, program=program) as site,
        rigged(site.settings, site.gateways, seed=seed, size=ground.size) as rig,
    ):
        await rig.begin()
        began = time.monotonic()
        say(f"the load is on; {len(kinds)} kinds of faults, seed {seed}")
        faults = {kind: ground.faults[kind] for kind in kinds}
        strikes = await strike(site, rig, faults, random.Random(seed), seconds, say)  # noqa: S311
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        took = time.monotonic() - began
        say("all is healed; members settle up, and the rest drains")
        found = await rig.end(patience)
    return Report(
        commands=rig.book.accepted,
        faults=dict(sorted(strikes.counts.items())),
        **figures(found),
        longest_recovery_s=max(strikes.recovery.values(), default=0.0),
        recovery_s=strikes.recovery,
        back_s=site.back,
        longest_command_s=round(rig.client.longest, 2),
        repeated_requests=rig.client.repeated,
        poison=len(rig.book.planted),
        meetings=len(rig.book.meetings),
        notices=rig.evidence.notices.total(),
        taken=sum(taken for taken, _ in rig.evidence.toss.values()),
        returned=sum(returned for _, returned in rig.evidence.toss.values()),
        seconds=round(took, 1),
        drain_s=round(rig.drain_seconds, 1),
        seed=seed,
        differences=sentences(found),
    )


async def strike(  # noqa: PLR0917
    site: S,
    rig: Rig,
    faults: Mapping[str, Callable[[S, random.Random], Awaitable[None]]],
    chance: random.Random,
    seconds: float,
    say: Say,
) -> Strikes:
    """Step after step until `seconds` are over; each begins when all has recovered from the one before."""
    strikes, end = Strikes(), time.monotonic() + seconds
    for step in draw(list(faults), chance):
        await rig.poison()
        await asyncio.sleep(chance.uniform(*PAUSES))
        if time.monotonic() >= end:
            break
        name, struck = " and ".join(step), clock(time.time())
        for ended in await asyncio.gather(*(faults[kind](site, chance) for kind in step), return_exceptions=True):
            if isinstance(ended, BaseException):
                rig.wrong(f"{name} could not be carried out or healed: {ended!r}")
        healed = time.monotonic()
        try:
            await site.settled(SETTLE_SECONDS)
        except Unsettled as error:
            rig.wrong(f"all was not well again {SETTLE_SECONDS:.0f} s after {name}: {error}")
        took = round(time.monotonic() - healed, 2)
        say(f"{struck} {name}: {took} s until all was well again; {rig.book.accepted} commands")
        for kind in step:
            strikes.counts[kind] += 1
            strikes.recovery[kind] = max(took, strikes.recovery.get(kind, 0.0))
    return strikes
