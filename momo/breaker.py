"""A circuit breaker: after enough failures in a row, calls are refused at once until a single probe succeeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal

State = Literal["closed", "open", "half-open"]
STATES: tuple[State, ...] = ("closed", "open", "half-open")


class BreakerOpen(Exception):
    """The circuit is open, which says nothing about this call. It was not made, or (`called`) it was made, failed like
    the others, and left the circuit open: then its error is the cause. `retry_after` is in seconds."""

    def __init__(self, breaker: Breaker, *, called: bool = False) -> None:
        self.breaker = breaker
        self.called = called
        self.retry_after = breaker.retry_after
        super().__init__(f"{breaker.name}: circuit open, next probe in {self.retry_after:.1f} s")


class Breaker:
    """`async with breaker:` around a call; raises BreakerOpen instead of entering while the circuit is open.

    `failures` counted exceptions in a row open it; `reset_after` seconds later one task may probe, and its result
    closes the circuit or opens it anew, each time for twice as long, up to `longest` seconds (never longer than the
    first time unless given). An exception that is not in `counted` means that the other side answered, so it is a
    success; a cancellation says nothing and only gives the probe to the next caller.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        reset_after: float = 5.0,
        longest: float = 0.0,
        counted: tuple[type[Exception], ...] = (Exception,),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._limit = failures
        self._first = reset_after
        self._longest = max(reset_after, longest)
        self._counted = counted
        self._clock = clock
        self._streak = 0
        self._pause = reset_after
        self._opened_at: float | None = None
        self._probe: asyncio.Task[object] | None = None
        self._probed = asyncio.Event()

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._pause else "half-open"

    def allow(self) -> bool:
        """Whether a call would be let through now. Asking reserves nothing."""
        return self.state == "closed" or (self.state == "half-open" and self._probe is None)

    async def allowed(self) -> None:
        """Waits until a call would be let through. All who wait hear it at once, and all but one may be refused."""
        while not self.allow():
            try:
                async with asyncio.timeout(self.retry_after if self._probe is None else None):
                    await self._probed.wait()
            except TimeoutError:
                continue

    @property
    def retry_after(self) -> float:
        """Seconds until a call can be let through; 0 when one can now."""
        if self.allow():
            return 0.0
        if self._opened_at is None or self.state == "half-open":
            return self._pause  # a probe is out: what we learn if it fails
        return self._pause - (self._clock() - self._opened_at)

    async def __aenter__(self) -> None:
        if not self.allow():
            raise BreakerOpen(self)
        if self.state == "half-open":
            self._probe = asyncio.current_task()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Calls that began while the circuit was closed may end after it opened: only the probe's result counts then.
        probing = self._probe is not None and self._probe is asyncio.current_task()
        if probing:
            self._probe = None
        if error is None or isinstance(error, Exception):
            self._learn(failed=isinstance(error, self._counted), probing=probing)
        if probing:
            self._probed.set()
            self._probed = asyncio.Event()
        if self._opened_at is not None and isinstance(error, self._counted):
            raise BreakerOpen(self, called=True) from error

    def _learn(self, *, failed: bool, probing: bool) -> None:
        if self._opened_at is None:
            self._streak = self._streak + 1 if failed else 0
            if self._streak >= self._limit:
                self._opened_at = self._clock()
        elif probing and failed:
            self._opened_at, self._pause = self._clock(), min(self._pause * 2, self._longest)
        elif probing:
            self._opened_at, self._streak, self._pause = None, 0, self._first
