"""So many acts a second, and no burst after a standstill."""

from __future__ import annotations

import asyncio


class Pace:
    """`rate` turns a second, shared by all who wait for one."""

    def __init__(self, rate: float) -> None:
        self._seconds = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._seconds
        await asyncio.sleep(mine - now)
