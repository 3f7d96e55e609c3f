"""Waiting for the gateway to say that MOMO is ready."""

from __future__ import annotations

import asyncio

import aiohttp

from momo.local.server import LocalError
from momo.local.supervise import Supervisor

READY_SECONDS = 60.0
MOST_DEATHS = 4


async def until_ready(url: str, supervisor: Supervisor | None = None) -> None:
    """Poll `url` until it answers 200. Raises LocalError after 60 s, or as soon as a child of `supervisor` has died
    four times."""
    answer = "no answer"
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
            while True:
                try:
                    async with session.get(url) as response:
                        if response.status == 200:  # OK
                            return
                        answer = f"{response.status} {(await response.text())[:300]}"
                except (aiohttp.ClientError, TimeoutError) as error:
                    answer = str(error) or "no answer"
                if supervisor is not None:
                    _give_up_on_the_dying(supervisor)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise LocalError(f"not ready after {READY_SECONDS:.0f} s; {url} says: {answer}") from None


def _give_up_on_the_dying(supervisor: Supervisor) -> None:
    for name, deaths in supervisor.deaths.items():
        if deaths >= MOST_DEATHS:
            last = supervisor.last_line.get(name, "nothing")
            raise LocalError(f"{name} died {deaths} times while starting; the last it said: {last}")
