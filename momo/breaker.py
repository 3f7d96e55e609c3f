"""A circuit breaker: after enough failures in a row, calls are refused at once until a single probe succeeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal


class BreakerOpen(Exception):
    """The call was not made. `retry_after` is in seconds."""

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(f"{name}: circuit open, next probe in {retry_after:.1f} s")
        self.retry_after = retry_after


class Breaker:
    """`async with breaker:` around a call; raises BreakerOpen instead of entering while the circuit is open.

    `failures` counted exceptions in a row open it; `reset_after` seconds later one task may probe, and its result
    closes the circuit or opens it anew. An exception that is not in `counted` means that the other side answered,
    so it is a success; a cancellation says nothing and only gives the probe to the next caller.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        reset_after: float = 5.0,
        counted: tuple[type[Exception], ...] = (Exception,),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._limit = failures
        self._reset_after = reset_after
        self._counted = counted
        self._clock = clock
        self._streak = 0
        self._opened_at: float | None = None
        self._probe: asyncio.Task[object] | None = None

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._reset_after else "half-open"

    def allow(self) -> bool:
        """Whether a call would be let through now. Asking reserves nothing."""
        return self.state == "closed" or (self.state == "half-open" and self._probe is None)

    @property
    def retry_after(self) -> float:
        """Seconds until a call can be let through; 0 when one can now."""
        if self.allow():
            return 0.0
        if self._opened_at is None or self.state == "half-open":
            return self._reset_after  # a probe is out: what we learn if it fails
        return self._reset_after - (self._clock() - self._opened_at)

    async def __aenter__(self) -> None:
        if not self.allow():
            raise BreakerOpen(self.name, self.retry_after)
        if self.state == "half-open":
            self._probe = asyncio.current_task()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Calls that began while the circuit was closed may end after it opened: only the probe's result counts then.
        probing = self._probe is not None and self._probe is asyncio.current_task()
        if probing:
            self._probe = None
        if error is not None and not isinstance(error, Exception):
            return
        if self._opened_at is None:
            self._streak = self._streak + 1 if isinstance(error, self._counted) else 0
            if self._streak >= self._limit:
                self._opened_at = self._clock()
        elif probing and isinstance(error, self._counted):
            self._opened_at = self._clock()
        elif probing:
            self._opened_at, self._streak = None, 0
