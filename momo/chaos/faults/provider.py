"""Faults of Toss Payments, by the sandbox's switches."""

from __future__ import annotations

import asyncio
import random

import aiohttp
import msgspec

from momo.chaos.site import Site
from momo.toss.sandbox.faults import Fault

TROUBLE_SECONDS = 5.0


async def slow_toss(site: Site, _: random.Random) -> None:
    """Every answer of Toss takes seconds."""
    await _trouble(site, Fault(delay_ms=2_000))


async def fail_toss(site: Site, rng: random.Random) -> None:
    """Toss refuses to confirm and to cancel, with an error that invites another try."""
    code = rng.choice(("FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING", "TOO_MANY_REQUESTS"))
    await _trouble(site, Fault(fail_code=code))


async def hang_up_toss(site: Site, _: random.Random) -> None:
    """Toss does what it is asked, and hangs up without an answer."""
    await _trouble(site, Fault(hang_up=True))


async def repeat_webhooks(site: Site, _: random.Random) -> None:
    """Toss's webhooks come twice, late, and the newest first."""
    await _trouble(site, Fault(webhook_copies=2, webhook_shuffle=True, webhook_delay_ms=1_000))


async def _trouble(site: Site, fault: Fault) -> None:
    try:
        await switch(site, fault)
        await asyncio.sleep(TROUBLE_SECONDS)
    finally:
        await switch(site, Fault())


async def switch(site: Site, fault: Fault) -> None:
    """What goes wrong from now on with every order. Raises aiohttp.ClientError."""
    async with (
        aiohttp.ClientSession(site.settings.toss_url, raise_for_status=True) as http,
        http.put("/sandbox/faults", json=msgspec.to_builtins(fault)),
    ):
        return


FAULTS = {
    "slow-toss": slow_toss,
    "fail-toss": fail_toss,
    "hang-up-toss": hang_up_toss,
    "repeat-webhooks": repeat_webhooks,
}
